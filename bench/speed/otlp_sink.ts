/** Takes whatever OpenTelemetry's exporters send over HTTP and forgets it. Prints its address; ends when its stdin does. */
import process from "node:process";

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => process.stdout.write(`127.0.0.1:${port}\n`),
}, async (request) => {
  await request.arrayBuffer();
  return new Response();
});
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
