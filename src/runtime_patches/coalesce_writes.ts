import type { Socket } from "node:net";

/**
 * Makes all writes of one turn of the event loop leave in one system call. An http2 session writes each reply's
 * headers and body apart when they are sent outside of a read, and here a whole batch is answered in one turn:
 * without this two system calls a request are a quarter of the main thread's time (docs/benchmarks.md).
 */
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
