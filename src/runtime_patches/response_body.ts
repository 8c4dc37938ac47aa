/**
 * Deno 2.9.3 forgets the signal of a fetch once its Response is garbage, though the body is still being read: an abort
 * has no effect then.
 * No issue is known.
 * Delete when `deno task top` ends at once on Ctrl-C while it iterates over `response.body` alone (tests/client_test.ts).
 */

/**
 * The bytes of a response as they come. Leaving the loop, or the signal, ends the connection.
 * @throws what the signal was aborted with
 */
export async function* bytesOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const leave = () => void reader.cancel(signal.reason).catch(() => {}); // it may have failed already
  signal.addEventListener("abort", leave);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", leave);
    leave();
  }
}
