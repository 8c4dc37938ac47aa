/**
 * The scripted worker's sessions. How they are, by name: "sound"; "mute" never says a word; "nameless" reports its
 * load but never says hello.
 *
 * In a sound session a prompt decides what becomes of it: "gap" leaves a token out, "repeat" sends one twice, "short"
 * leaves the last out, "misaddress" gets a reply under another id, "unasked" a delta though nobody streams, "twice" two
 * results, "late" a delta after its result, "unknown" news of a sequence that nobody sent, "empty" a result without
 * a reply, "mangled" a result whose reply is no message, "hang" no result; "status=WORD" has that status, "every=MS" is
 * the time between tokens, "prefill=MS" that before the first, in which the load reports count iterations. The first prompt of
 * the process with "garbage" brings bytes that are no message, with "close" the session's end, with "unimplemented" its
 * end with that code, with "silence" no word any more in this session. Every answer is "echo:" + the prompt, then " 1", " 2" ... for each further token.
 */
import {
  type Server,
  type ServerDuplexStream,
  type ServiceDefinition,
  status as Status,
} from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { omnispan } from "../../src/grpc/contract.ts";
import type { WorkerHandlers } from "../../src/grpc/generated/omnispan/Worker.ts";
import type { WorkerCommand__Output } from "../../src/grpc/generated/omnispan/WorkerCommand.ts";
import type { WorkerDelta } from "../../src/grpc/generated/omnispan/WorkerDelta.ts";
import type { WorkerEvent } from "../../src/grpc/generated/omnispan/WorkerEvent.ts";
import type { WorkerGenerateRequest__Output } from "../../src/grpc/generated/omnispan/WorkerGenerateRequest.ts";
import type { WorkerResult } from "../../src/grpc/generated/omnispan/WorkerResult.ts";
import type { WorkerSequence__Output } from "../../src/grpc/generated/omnispan/WorkerSequence.ts";
import { pause } from "./wait.ts";

type Call = ServerDuplexStream<WorkerCommand__Output, WorkerEvent | Uint8Array>;

export type FixedHandlers = Pick<WorkerHandlers, "Generate" | "GenerateBatch" | "GenerateStream">;

const LOAD_MS = 300;
const HELLO = {
  backend: "scripted",
  model: "echo",
  simulated: true,
  capabilities: ["stream"],
  maxRows: 8,
  contextTokens: 1000,
  instance: crypto.randomUUID(),
};

/** The error of a reply that is to be no message. */
export const MANGLED = "@@";

/** Puts a field of a kind that there is not in the place of each such error. */
export function mangle(message: Buffer): Buffer {
  for (let at = message.indexOf(MANGLED); at >= 0; at = message.indexOf(MANGLED, at + 1)) {
    message.set([0x9f, 0x01], at - 2);
  }
  return message;
}

/** Adds the worker's service with sessions of this kind. */
export function withSessions(server: Server, handlers: FixedHandlers, kind: string): void {
  const { Session: method, ...others } = omnispan.Worker.service;
  const serialize = method.responseSerialize;
  const service: ServiceDefinition = {
    ...others,
    Session: {
      ...method,
      // Bytes go out as they are, so that what goes out can be no message at all.
      responseSerialize: (event: WorkerEvent | Uint8Array) =>
        event instanceof Uint8Array ? Buffer.from(event) : mangle(serialize(event)),
    },
  };
  server.addService(service, {
    ...handlers,
    Session: (call: Call) => {
      report("session");
      if (kind === "mute") return;
      new ScriptedSession(call, kind === "sound");
    },
  });
}

/** What happens once in the life of the process, so that a second try goes well. */
const once = new Set(["garbage", "close", "unimplemented", "silence"]);

class ScriptedSession {
  readonly #gone = new Set<number>();
  readonly #loads: ReturnType<typeof setInterval>;
  #open = true;
  #prefilling = 0;
  #iterations = 0;

  constructor(private readonly call: Call, hello: boolean) {
    if (hello) call.write({ hello: HELLO });
    this.#load();
    this.#loads = setInterval(() => this.#load(), LOAD_MS);
    call.on("data", (command: WorkerCommand__Output) => this.#take(command));
    for (const event of ["end", "cancelled", "error"]) call.on(event, () => this.#silence());
  }

  #silence(): void {
    this.#open = false;
    clearInterval(this.#loads);
  }

  #load(): void {
    if (this.#prefilling > 0) this.#iterations++;
    const load = { running: 0, waiting: 0, kvUsage: 0, draining: false, steps: 0, rowSteps: 0 };
    this.#write({ load: { ...load, iterations: this.#iterations } });
  }

  #write(event: WorkerEvent | Uint8Array): void {
    if (this.#open) this.call.write(event);
  }

  #step(deltas: WorkerDelta[], results: WorkerResult[] = []): void {
    this.#write({ step: { deltas, results } });
  }

  #take({ submit, cancel }: WorkerCommand__Output): void {
    if (submit) {
      report("submit", submit.sequences.map(({ request }) => request!));
      for (const sequence of submit.sequences) void this.#answer(sequence);
    }
    if (cancel) {
      report("cancelled");
      for (const sequence of cancel.sequences) this.#gone.add(Number(sequence));
    }
  }

  async #answer({ sequence, stream, request }: WorkerSequence__Output): Promise<void> {
    const { prompt, requestId, maxTokens } = request!;
    for (const trouble of once) {
      if (!prompt.includes(trouble)) continue;
      once.delete(trouble);
      return this.#break(trouble);
    }
    const says = (word: string) => prompt.includes(word);
    const everyMs = Number(/every=(\d+)/.exec(prompt)?.[1] ?? 0);
    this.#prefilling++;
    await pause(Number(/prefill=(\d+)/.exec(prompt)?.[1] ?? 0));
    this.#prefilling--;
    if (says("unknown")) this.#step([{ sequence: 1_000_000, tokenIndex: 0, tokens: 1, text: "whose?" }]);
    for (let index = 0; index < maxTokens; index++) {
      if (this.#gone.has(Number(sequence))) return;
      const delta = {
        sequence,
        tokenIndex: index,
        tokens: 1,
        text: index === 0 ? `echo:${prompt}` : ` ${index}`,
      };
      const left = (says("gap") && index === 1) || (says("short") && index === maxTokens - 1);
      if ((stream || says("unasked")) && !left) this.#step([delta]);
      if (says("repeat") && index === 1) this.#step([delta]);
      await pause(everyMs);
    }
    if (says("hang") || this.#gone.has(Number(sequence))) return;
    const reply = {
      requestId: says("misaddress") ? "nobody's" : requestId,
      responseText: stream ? "" : `echo:${prompt}`,
      inputTokens: 1,
      outputTokens: maxTokens,
      status: /status=(\w+)/.exec(prompt)?.[1] ?? "ok",
    };
    if (says("empty")) return this.#step([], [{ sequence }]);
    if (says("mangled")) return this.#step([], [{ sequence, reply: { ...reply, errorMessage: MANGLED } }]);
    this.#step([], says("twice") ? [{ sequence, reply }, { sequence, reply }] : [{ sequence, reply }]);
    if (says("late")) this.#step([{ sequence, tokenIndex: maxTokens, tokens: 1, text: "too late" }]);
  }

  #break(trouble: string): void {
    if (trouble === "garbage") this.#write(new Uint8Array([0x0a, 0xff, 0xff, 0xff, 0xff]));
    else if (trouble === "close") this.call.end();
    else if (trouble === "unimplemented") {
      this.call.emit("error", { code: Status.UNIMPLEMENTED, details: "" });
    }
    this.#silence();
  }
}

/** The lines in which a scripted worker reports the calls that it gets. */
export interface Reported {
  readonly kind: "generate" | "batch" | "stream" | "submit" | "cancelled" | "session";
  readonly requests: readonly Omit<WorkerGenerateRequest__Output, "prompt">[];
}

/** One line of JSON on stdout. */
export function report(
  kind: Reported["kind"],
  requests: readonly WorkerGenerateRequest__Output[] = [],
): void {
  const line = { kind, requests: requests.map(({ prompt: _, ...rest }) => rest) } satisfies Reported;
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(line) + "\n"));
}
