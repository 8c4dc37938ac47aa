/**
 * A client process that is there to be killed: opens streams that would take minutes and says when all have begun.
 * Usage: stream_client.ts ADDRESS STREAMS.
 */
import { TestClient } from "./engine.ts";

const [address = "", streams = "1"] = Deno.args;
const client = new TestClient(address);
let begun = 0;
for (let i = 0; i < Number(streams); i++) {
  client.stream({ prompt: `never read to its end ${i}`, maxTokens: 4096 }, { deadline: Date.now() + 600_000 })
    .call.once("data", () => {
      if (++begun === Number(streams)) Deno.stdout.writeSync(new TextEncoder().encode("all have begun\n"));
    });
}
