/**
 * An http2 session of Deno 2.9.3 writes each reply's headers and body apart when they are sent outside of a read.
 * A whole batch is answered in one turn of the event loop, so two system calls for each request would take a quarter
 * of the main thread's time (docs/benchmarks.md).
 * No issue is known.
 * Delete when `deno task bench:speed` is as fast without it.
 */
import type { Socket } from "node:net";

/** Makes all writes of one turn of the event loop leave in one system call. */
export function coalesceWrites(socket: Socket): void {
  const uncork = () => socket.uncork();
  const write = socket.write;
  socket.write = function (...args: Parameters<typeof write>) {
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(uncork);
    }
    return write.apply(socket, args);
  } as typeof write;
}
