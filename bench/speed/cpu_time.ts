import { SetupError } from "../../src/supervisor/setup_error.ts";

/** Of `/proc`: a hundred to the second on every Linux that Deno runs on. */
const TICK_US = 10_000;

/** What one turn of one engine came to. */
export interface Turn {
  /** CPU time of the engine's process for each request. */
  readonly cpuUs: number;
  readonly perSecond: number;
}

/**
 * Runs a load of so many requests, which gives their rate, and looks what CPU time the process took meanwhile.
 * @throws {SetupError} where there is no /proc
 */
export async function measuredTurn(
  pid: number,
  requests: number,
  load: () => Promise<number>,
): Promise<Turn> {
  const before = await cpuTicks(pid);
  const perSecond = await load();
  return { cpuUs: (await cpuTicks(pid) - before) * TICK_US / requests, perSecond };
}

/** User and system time of a process since its start. */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => {
    throw new SetupError(["the CPU time of a process is read from /proc, which this system has not"]);
  });
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
  return user! + system!;
}
