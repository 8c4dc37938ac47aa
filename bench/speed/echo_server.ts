/**
 * What grpc-js on this runtime can do at the most: a unary echo with the engine's messages and nothing behind it.
 * With `--hold` it never answers, which shows what a waiting call costs by itself. Prints its address; ends when its
 * stdin does.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { omnispan } from "../../src/grpc/contract.ts";
import type { EngineHandlers } from "../../src/grpc/generated/omnispan/Engine.ts";
import { print } from "../../src/cli/output.ts";

const hold = Deno.args.includes("--hold");
const held: unknown[] = [];

const handlers: EngineHandlers = {
  SubmitGenerate(call, callback) {
    if (hold) return void held.push(call);
    const { requestId, tenantId, prompt } = call.request;
    callback(null, {
      requestId,
      tenantId,
      responseText: prompt,
      inputTokens: 1,
      outputTokens: 1,
      status: "ok",
    });
  },
  SubmitGenerateStream: (call) => call.end(),
  GetEngineStats: (_call, callback) =>
    callback(null, { mode: "direct", workerState: "up", queueDepth: held.length }),
};

const server = new Server();
server.addService(omnispan.Engine.service, handlers);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  print(`127.0.0.1:${port}`);
});
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
