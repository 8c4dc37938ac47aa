/**
 * A process that does nothing but wait for windows of 20 ms, as exactly as the scheduler thread does: how late it is
 * beside a load is the machine's share of a window's lateness. Runs for the seconds it is given and prints the
 * lateness of each window in ms as a JSON list.
 */
import { print } from "../../src/cli/output.ts";

const WINDOW_MS = 20;
const TIMER_SLACK_MS = 1.2;

const endAt = performance.now() + 1000 * Number(Deno.args[0]);
const lateMs: number[] = [];

function waitFor(dueAt: number): void {
  const now = performance.now();
  const leftMs = dueAt - now;
  if (leftMs > TIMER_SLACK_MS) setTimeout(() => waitFor(dueAt), leftMs - TIMER_SLACK_MS);
  else if (leftMs > 0) setImmediate(() => waitFor(dueAt));
  else {
    lateMs.push(-leftMs);
    if (now < endAt) waitFor(now + WINDOW_MS);
    else print(JSON.stringify(lateMs));
  }
}

waitFor(performance.now() + WINDOW_MS);
