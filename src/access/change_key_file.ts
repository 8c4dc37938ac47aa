import { basename, dirname, join } from "node:path";
import { randomBytes } from "node:crypto";
import { type KeyFile, parseKeyFile, readKeyText } from "./key_file.ts";

/** Nobody but its owner has to read it. */
const NEW_FILE_MODE = 0o600;

/**
 * Changes a key file as one step: who reads it sees the old file or the new one, and two changes at a time follow each
 * other. Its mode, its owner and what the change leaves alone stay; a symbolic link goes on to lead to it.
 * @param create the file is made when it is not there
 * @throws {StartupError} when the file breaks the rules
 */
export async function changeKeyFile(
  path: string,
  { create }: { readonly create: boolean },
  change: (file: KeyFile) => KeyFile,
): Promise<void> {
  using held = await lock(path, create);
  const target = await Deno.realPath(path);
  const text = await readKeyText(target);
  const isNew = create && text === "";
  const after = change(isNew ? { keys: [] } : parseKeyFile(text, path));
  await replace(target, JSON.stringify(after, null, 2) + "\n", await held.stat());
}

/** The lock goes with the file, so the one that waited for it looks whether another took the file's place. */
async function lock(path: string, create: boolean): Promise<Deno.FsFile> {
  while (true) {
    const file = await Deno.open(path, { read: true, write: true, create, mode: NEW_FILE_MODE });
    try {
      await file.lock(true);
      if ((await file.stat()).ino === (await Deno.stat(path)).ino) return file;
    } catch (thrown) {
      file.close();
      throw thrown;
    }
    file.close();
  }
}

async function replace(path: string, text: string, { mode, uid, gid }: Deno.FileInfo): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true, mode: NEW_FILE_MODE });
      const made = await file.stat();
      if (uid !== null && gid !== null && (uid !== made.uid || gid !== made.gid)) {
        await Deno.chown(temporary, uid, gid);
      }
      if (mode !== null) await Deno.chmod(temporary, mode & 0o777);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.rename(temporary, path);
  } catch (thrown) {
    await Deno.remove(temporary).catch(() => {}); // it may not have been made
    throw thrown;
  }
}
