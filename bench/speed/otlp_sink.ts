/** Takes whatever OpenTelemetry's exporters send over HTTP and forgets it. Prints its address; ends when its stdin does. */
import { print } from "../../src/cli/output.ts";

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => print(`127.0.0.1:${port}`),
}, async (request) => {
  await request.arrayBuffer();
  return new Response();
});
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
