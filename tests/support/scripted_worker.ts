/**
 * A worker process that misbehaves on request, to see what the engine makes of it: a real gRPC server on a free
 * port that it prints as its first line. The real workers can't be made to break the contract like this.
 *
 * Usage: scripted_worker.ts [PORT [SESSION]]. What a prompt holds decides: "drop" gets no reply, "double" two, "stray" a
 * further reply that nobody asked for, "misaddress" a reply under another id, "mangled" one that is no message, "hang" never an answer;
 * "status=WORD" has that status, "sleep=MS" delays the call. Replies to a batch come in reversed order. Every
 * answer is "echo:" + the prompt. Without SESSION it has no sessions; see scripted_session.ts for what it can be.
 */
import { Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { omnispan } from "../../src/grpc/contract.ts";
import type { WorkerBatchGenerateReply } from "../../src/grpc/generated/omnispan/WorkerBatchGenerateReply.ts";
import type { WorkerGenerateReply } from "../../src/grpc/generated/omnispan/WorkerGenerateReply.ts";
import type { WorkerGenerateRequest__Output } from "../../src/grpc/generated/omnispan/WorkerGenerateRequest.ts";
import { type FixedHandlers, mangle, MANGLED, report, withSessions } from "./scripted_session.ts";
import { pause } from "./wait.ts";

function replies(
  { requestId, tenantId, prompt, maxTokens }: WorkerGenerateRequest__Output,
): WorkerGenerateReply[] {
  const reply: WorkerGenerateReply = {
    requestId,
    tenantId,
    responseText: `echo:${prompt}`,
    inputTokens: 1,
    outputTokens: maxTokens,
    status: /status=(\w+)/.exec(prompt)?.[1] ?? "ok",
  };
  if (prompt.includes("drop")) return [];
  if (prompt.includes("double")) return [reply, { ...reply, responseText: "echo:of another" }];
  if (prompt.includes("stray")) return [reply, { ...reply, requestId: "stray" }];
  if (prompt.includes("mangled")) return [{ ...reply, errorMessage: MANGLED }];
  if (prompt.includes("misaddress")) return [{ ...reply, requestId: "nobody's" }];
  return [reply];
}

async function answer<Q, A>(
  call: ServerUnaryCall<Q, A>,
  requests: readonly WorkerGenerateRequest__Output[],
  send: (replies: WorkerGenerateReply[]) => void,
): Promise<void> {
  let answered = false;
  call.on("cancelled", () => answered || report("cancelled", requests));
  const prompts = requests.map(({ prompt }) => prompt).join(" ");
  if (prompts.includes("hang")) return;
  const delayMs = Math.max(0, ...[...prompts.matchAll(/sleep=(\d+)/g)].map(([, ms]) => Number(ms)));
  if (delayMs > 0) await pause(delayMs);
  answered = true;
  send(requests.flatMap(replies).reverse());
}

const handlers: FixedHandlers = {
  Generate: (call, callback) => {
    report("generate", [call.request]);
    void answer(call, [call.request], ([reply]) => callback(null, reply ?? {}));
  },
  GenerateBatch: (call, callback) => {
    report("batch", call.request.requests);
    void answer(call, call.request.requests, (responses) => callback(null, { responses }));
  },
  GenerateStream: (call) => {
    const { requestId, prompt, maxTokens } = call.request;
    report("stream", [call.request]);
    let gone = false;
    call.on("cancelled", () => {
      gone = true;
      report("cancelled", [call.request]);
    });
    const everyMs = Number(/every=(\d+)/.exec(prompt)?.[1] ?? 0);
    const failAt = Number(/fail=(\d+)/.exec(prompt)?.[1] ?? Infinity);
    let index = 0;
    const next = (): void => {
      if (gone || (prompt.includes("hang") && index > 0)) return;
      if (index === failAt) return void call.emit("error", { code: 14, details: "as asked" });
      if (index < maxTokens) {
        const text = index === 0 ? `echo:${prompt}` : ` ${index}`;
        call.write({ requestId, textDelta: text, tokenIndex: index++ });
        return void setTimeout(next, everyMs);
      }
      if (prompt.includes("cut")) return void call.end();
      call.write({ requestId, finished: true, inputTokens: 1, outputTokens: maxTokens, status: "ok" });
      call.end();
    };
    next();
  },
};

const server = new Server();
const [port = "0", session] = Deno.args;
const { service } = omnispan.Worker;
const { responseSerialize } = service.GenerateBatch;
const GenerateBatch = {
  ...service.GenerateBatch,
  responseSerialize: (reply: WorkerBatchGenerateReply) => mangle(responseSerialize(reply)),
};
if (session === undefined) server.addService({ ...service, GenerateBatch }, handlers);
else withSessions(server, handlers, session);
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  Deno.stdout.writeSync(new TextEncoder().encode(`worker listening on 127.0.0.1:${port} backend=scripted\n`));
});
