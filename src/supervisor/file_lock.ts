import { setTimeout as delay } from "node:timers/promises";

const RETRY_MS = 250;

/**
 * Takes an exclusive lock on a file, which is made if it is not there; dispose gives it back, and so does the
 * end of the process. `onWait` hears, once, that another process holds it.
 */
export async function lockFile(path: string, onWait: () => void, signal: AbortSignal): Promise<Disposable> {
  const file = await Deno.open(path, { create: true, write: true });
  try {
    for (let tries = 0; !await file.tryLock(true); tries++) {
      if (tries === 0) onWait();
      await delay(RETRY_MS, undefined, { signal });
    }
    return file;
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}
