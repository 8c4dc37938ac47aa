/**
 * Deno 2.9.3 forgets the signal of a fetch once its Response is garbage, though the body is still being read: an abort
 * has no effect then.
 * No issue is known.
 * Delete when `deno task top` ends at once on Ctrl-C with the Response that fetch gives (src/terminal/top_test.ts).
 */

/** The response with a body that the signal ends, with what it was aborted with, for as long as the body is read. */
export function endedBy(signal: AbortSignal, response: Response): Response {
  if (!response.body) return response;
  return new Response(response.body.pipeThrough(new TransformStream(), { signal }), response);
}
