/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/** The pacer's thread (a Web Worker): it does nothing but sleep until the next instant, and then says so. */
import { now } from "../../src/clock.ts";
import { HANDLED, type Pacing, PASSED } from "./pacer.ts";

self.onmessage = ({ data: { instants, shared } }: MessageEvent<Pacing>) => {
  for (;;) {
    const handled = Atomics.load(shared, HANDLED);
    const next = instants[Atomics.load(shared, PASSED)];
    if (next === undefined) return self.close();
    const leftMs = next - now();
    if (leftMs <= 0) self.postMessage("due");
    Atomics.wait(shared, HANDLED, handled, leftMs > 0 ? leftMs : Infinity);
  }
};

self.postMessage("ready");
