/**
 * What stands where the engine does, or where traces go, without any work of its own: `bare_server.ts KIND`. Prints its
 * address; ends when its stdin does.
 */
import { credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { print } from "../../src/cli/output.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import type { EngineHandlers } from "../../src/grpc/generated/omnispan/Engine.ts";

type Generate = EngineHandlers["SubmitGenerate"];

/** Answers at once: what grpc-js on this runtime can do at the most. */
const echo: Generate = ({ request: { requestId, tenantId, prompt } }, callback) => {
  callback(null, {
    requestId,
    tenantId,
    responseText: prompt,
    inputTokens: 1,
    outputTokens: 1,
    status: "ok",
  });
};

/** Never answers, which shows what a waiting call costs by itself. */
function hold(): Generate {
  const held: unknown[] = [];
  return (call) => void held.push(call);
}

/** Sends each request on to the worker in a call of its own and its answer back: the least that is between the two. */
function proxy(workerAddress: string): Generate {
  const worker = new omnispan.Worker(workerAddress, credentials.createInsecure());
  return ({ request: { requestId, tenantId, prompt, maxTokens } }, callback) => {
    worker.generate({ requestId, prompt, maxTokens }, (error, reply) => {
      if (error || !reply) return callback(error);
      const { responseText, inputTokens, outputTokens } = reply;
      callback(null, { requestId, tenantId, responseText, inputTokens, outputTokens, status: "ok" });
    });
  };
}

/** The engine's contract with `generate` behind it; its counters say how many requests came and were answered well. */
function serveEngine(generate: Generate): void {
  let [acceptedRequests, settledRequests] = [0, 0];
  const handlers: EngineHandlers = {
    SubmitGenerate(call, callback) {
      acceptedRequests++;
      generate(call, (error, reply) => {
        if (!error) settledRequests++;
        callback(error, reply);
      });
    },
    SubmitGenerateStream: (call) => call.end(),
    GetEngineStats(_call, callback) {
      const queueDepth = acceptedRequests - settledRequests;
      const counters = { acceptedRequests, dispatchedRequests: acceptedRequests, settledRequests };
      callback(null, { mode: "direct", workerState: "up", queueDepth, ...counters });
    },
  };
  const server = new Server();
  server.addService(omnispan.Engine.service, { ...handlers });
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    print(`127.0.0.1:${port}`);
  });
}

/** Takes whatever OpenTelemetry's exporters send over HTTP and forgets it. */
function serveTraceSink(): void {
  const onListen = ({ port }: { port: number }) => print(`127.0.0.1:${port}`);
  Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, async (request) => {
    await request.arrayBuffer();
    return new Response();
  });
}

const [kind, workerAddress = ""] = Deno.args;
if (kind === "traces") serveTraceSink();
else serveEngine(kind === "hold" ? hold() : kind === "proxy" ? proxy(workerAddress) : echo);
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
