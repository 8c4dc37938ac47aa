import { fileURLToPath } from "node:url";
import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  type ServiceError,
} from "@grpc/grpc-js";
import { SETTING_NAMES, type Settings } from "../../src/config/config.ts";
import { parseSettings } from "../../src/config/parse.ts";
import { type Engine, startEngine } from "../../src/engine.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import type { EngineClient } from "../../src/grpc/generated/omnispan/Engine.ts";
import type { GenerateChunk__Output } from "../../src/grpc/generated/omnispan/GenerateChunk.ts";
import type { GenerateReply__Output } from "../../src/grpc/generated/omnispan/GenerateReply.ts";
import type { GenerateRequest } from "../../src/grpc/generated/omnispan/GenerateRequest.ts";
import type { StatsReply__Output } from "../../src/grpc/generated/omnispan/StatsReply.ts";
import { TestProcess } from "./process.ts";
import type { Reported } from "./scripted_session.ts";
import { waitUntil } from "./wait.ts";

/** An engine on a free port that uses the worker at `workerAddress`, and a client of it; its HTTP port is open. */
export function httpEngineFor(workerAddress: string, changes: Partial<Settings> = {}): Promise<TestEngine> {
  return engineFor(workerAddress, { HTTP_PORT: 0, ...changes });
}

/** The same without HTTP. */
export async function engineFor(workerAddress: string, changes: Partial<Settings> = {}): Promise<TestEngine> {
  const env: Record<string, string> = {
    WORKER_ENDPOINT: workerAddress,
    BIND_PORT: "0",
    HTTP_PORT: "off",
    LOG_LEVEL: "error",
  };
  for (const name of SETTING_NAMES) if (changes[name] !== undefined) env[name] = String(changes[name]);
  const engine = await startEngine(parseSettings([], env).settings);
  return new TestEngine(engine);
}

/** A client of an engine, over a connection of its own. */
export class TestClient implements AsyncDisposable {
  readonly client: EngineClient;

  constructor(address: string, channel = credentials.createInsecure()) {
    this.client = new omnispan.Engine(address, channel, {
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /** Resolves with the reply; rejects with a gRPC error. */
  submit(request: GenerateRequest, options: CallOptions = {}): Promise<GenerateReply__Output> {
    return this.submitCall(request, options).reply;
  }

  /** The same, with the call to cancel. */
  submitCall(
    request: GenerateRequest,
    options: CallOptions = {},
  ): { call: ClientUnaryCall; reply: Promise<GenerateReply__Output> } {
    const { promise, resolve, reject } = Promise.withResolvers<GenerateReply__Output>();
    const deadline = Date.now() + 30_000;
    const call = this.client.submitGenerate(
      request,
      { deadline, ...options },
      (error, reply) => error ? reject(error) : resolve(reply!),
    );
    promise.catch(() => {}); // the failure goes to whoever awaits it; a test that has failed already does not
    return { call, reply: promise };
  }

  /** A streamed request; its chunks are read as they come. */
  stream(request: GenerateRequest, options: CallOptions = {}): ReadStream {
    return new ReadStream(
      this.client.submitGenerateStream(request, { deadline: Date.now() + 30_000, ...options }),
    );
  }

  stats(): Promise<StatsReply__Output> {
    return new Promise((resolve, reject) =>
      this.client.getEngineStats({}, (error, reply) => error ? reject(error) : resolve(reply!))
    );
  }

  /** Until the engine holds nothing any more. */
  settled(): Promise<void> {
    return waitUntil("the engine holds no request", async () => {
      const { queueDepth, inFlight, acceptedRequests, settledRequests } = await this.stats();
      return queueDepth === 0 && inFlight === 0 && acceptedRequests === settledRequests;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    return Promise.resolve();
  }
}

export class TestEngine extends TestClient {
  constructor(readonly engine: Engine) {
    super(engine.address);
  }

  /** The URL of its HTTP port; the engine was made with one. */
  get url(): string {
    return `http://${this.engine.httpAddress}`;
  }

  connected(): Promise<void> {
    return waitUntil("the worker is up", () => this.engine.scheduler.worker.state === "up");
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
  }
}

/** The chunks of one stream, so far. */
export class ReadStream {
  readonly chunks: GenerateChunk__Output[] = [];
  /** Resolves with the last chunk; rejects with a gRPC error. */
  readonly last: Promise<GenerateChunk__Output>;

  constructor(readonly call: ClientReadableStream<GenerateChunk__Output>) {
    const { promise, resolve, reject } = Promise.withResolvers<GenerateChunk__Output>();
    this.last = promise;
    promise.catch(() => {}); // the failure goes to whoever awaits it, if anybody does
    call.on("data", (chunk: GenerateChunk__Output) => this.chunks.push(chunk));
    call.on("error", reject);
    call.on("end", () => {
      const finished = this.chunks.filter((chunk) => chunk.finished);
      const last = this.chunks.at(-1);
      if (finished.length === 1 && last?.finished) resolve(last);
      else {reject(
          new Error(`the stream ended with ${finished.length} last chunks among ${this.chunks.length}`),
        );}
    });
  }

  get text(): string {
    return this.chunks.map(({ textDelta }) => textDelta).join("");
  }

  get tokens(): number {
    return this.chunks.reduce((sum, { tokens }) => sum + tokens, 0);
  }
}

/** A request's refusal by the engine. */
export async function refusal(reply: Promise<unknown>): Promise<ServiceError> {
  try {
    await reply;
  } catch (thrown) {
    return thrown as ServiceError;
  }
  throw new Error("the engine answered a request that it should have refused");
}

/** A worker process that breaks the contract on request: see scripted_worker.ts. */
export class ScriptedWorker extends TestProcess {
  /** `session`: what its sessions are like, as scripted_session.ts names it; none without. */
  constructor(port = 0, session?: "sound" | "mute" | "nameless") {
    const script = fileURLToPath(new URL("./scripted_worker.ts", import.meta.url));
    const args = ["run", "-A", script, String(port)];
    super(Deno.execPath(), { args: session === undefined ? args : [...args, session] });
  }

  async address(): Promise<string> {
    const [, address] = await this.waitFor(/listening on (\S+)/);
    return address!;
  }

  /** The calls it has seen. */
  calls(): Reported[] {
    return this.stdout.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }
}
