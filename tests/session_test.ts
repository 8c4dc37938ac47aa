/** What the engine makes of a worker that breaks the contract of sessions: real processes, real gRPC. */
import { credentials, status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Settings } from "../src/config/config.ts";
import { Session } from "../src/workers/session.ts";
import { omnispan } from "../src/grpc/contract.ts";
import { engineFor, refusal, ScriptedWorker, type TestEngine } from "./support/engine.ts";
import { pause, waitUntil } from "./support/wait.ts";

const SILENCE_MS = 1500;

function test(
  name: string,
  settings: Partial<Settings>,
  body: (engine: TestEngine, worker: ScriptedWorker) => Promise<void>,
): void {
  Deno.test({
    name,
    // grpc-js keeps timers and sockets for a moment after a close.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using worker = new ScriptedWorker(0, "sound");
      await using engine = await engineFor(await worker.address(), {
        WORKER_SILENCE_MS: SILENCE_MS,
        ...settings,
      });
      await engine.connected();
      await body(engine, worker);
      await engine.settled();
    },
  });
}

/** A stream beside the one in trouble, to see that it goes on. */
function bystander(engine: TestEngine): { unharmed(): Promise<void> } {
  const stream = engine.stream({ requestId: "same", prompt: "bystander every=20", maxTokens: 10 });
  return {
    async unharmed() {
      const last = await stream.last;
      assert.equal(last.status, "ok", last.errorMessage);
      assert.equal(stream.text, "echo:bystander every=20 1 2 3 4 5 6 7 8 9");
      assert.equal(last.dispatch!.attempts, 1);
    },
  };
}

const BROKEN: readonly [prompt: string, message: RegExp, text: string][] = [
  ["gap", /sent token 2 where token 1 was next/, "echo:gap"],
  ["repeat", /sent token 1 where token 2 was next/, "echo:repeat 1"],
  ["short", /stream was not whole: 3 of 4 tokens came/, "echo:short 1 2"],
  ["misaddress", /carries the id of another request/, "echo:misaddress 1 2 3"],
  ["status=weird", /unknown status "weird"/, "echo:status=weird 1 2 3"],
];

test(
  "a stream whose tokens or result break the contract fails by itself, and says why",
  {},
  async (engine) => {
    for (const [prompt, message, text] of BROKEN) {
      const beside = bystander(engine);
      const stream = engine.stream({ requestId: "same", prompt, maxTokens: 4 });
      const last = await stream.last;
      assert.equal(last.status, "worker_internal_error", prompt);
      assert.match(last.errorMessage, message);
      assert.equal(stream.text, text, "what came in order has gone out, and nothing else");
      await beside.unharmed();
    }
  },
);

test("an answer in one piece takes no tokens and no other's id", {}, async (engine) => {
  for (
    const [prompt, message] of [
      ["unasked", /sent token 0 where no stream was asked for/],
      ["misaddress", /carries the id of another request/],
    ] as const
  ) {
    const beside = bystander(engine);
    const reply = await engine.submit({ requestId: "same", prompt, maxTokens: 4 });
    assert.equal(reply.status, "worker_internal_error");
    assert.match(reply.errorMessage, message);
    assert.equal(reply.responseText, "");
    await beside.unharmed();
  }
});

test(
  "a result that can't be read, or comes without its reply, fails that request alone",
  {},
  async (engine) => {
    for (const prompt of ["mangled", "empty"]) {
      const beside = bystander(engine);
      const stream = engine.stream({ requestId: "same", prompt, maxTokens: 2 });
      const last = await stream.last;
      assert.equal(last.status, "worker_internal_error");
      assert.equal(last.errorMessage, "the worker's answer can't be read after 2 tokens of this answer");
      assert.equal(stream.text, `echo:${prompt} 1`);
      const reply = await engine.submit({ requestId: "same", prompt, maxTokens: 2 });
      assert.deepEqual([reply.status, reply.errorMessage, reply.dispatch!.attempts], [
        "worker_internal_error",
        "the worker's answer can't be read",
        1,
      ]);
      await beside.unharmed();
    }
  },
);

test("second results, late tokens and news of unknown sequences change nothing", {}, async (engine) => {
  for (const prompt of ["twice", "late", "unknown"]) {
    const beside = bystander(engine);
    const stream = engine.stream({ requestId: "same", prompt, maxTokens: 3 });
    assert.equal((await stream.last).status, "ok");
    assert.equal(stream.text, `echo:${prompt} 1 2`);
    assert.equal((await engine.submit({ prompt, maxTokens: 3 })).responseText, `echo:${prompt}`);
    await beside.unharmed();
  }
});

test("a result that never comes is given up and cancelled at the worker", {
  WORKER_RPC_TIMEOUT_MS: 400,
}, async (engine, worker) => {
  const beside = bystander(engine);
  const stream = engine.stream({ prompt: "hang", maxTokens: 2 });
  assert.equal((await stream.last).status, "worker_timeout");
  assert.equal(stream.text, "echo:hang 1");
  const reply = await engine.submit({ prompt: "hang", maxTokens: 2 });
  assert.equal(reply.status, "worker_timeout");
  await beside.unharmed();
  await waitUntil("both were cancelled", () => {
    return worker.calls().filter(({ kind }) => kind === "cancelled").length === 2;
  });
});

test("a long prefill is no silence while the worker reports that its runtime works", {
  WORKER_RPC_TIMEOUT_MS: 1200,
}, async (engine) => {
  const prompt = "prefill=3000";
  const stream = engine.stream({ prompt, maxTokens: 2 });
  const [whole, last] = await Promise.all([engine.submit({ prompt, maxTokens: 2 }), stream.last]);
  assert.equal(whole.responseText, "echo:prefill=3000", whole.errorMessage);
  assert.equal(last.status, "ok", last.errorMessage);
});

for (
  const [trouble, why] of [
    ["garbage", /the session with the worker broke/],
    ["close", /the worker closed the session/],
    ["unimplemented", /the session with the worker broke/],
    ["silence", /the worker said nothing for 1500 ms \(WORKER_SILENCE_MS\)/],
  ] as const
) {
  test(
    `${trouble} in a session: what had begun ends, the rest is sent again over a new one`,
    {},
    async (engine, worker) => {
      const begun = engine.stream({ prompt: "begun every=50", maxTokens: 1000 });
      await waitUntil("it runs", () => begun.chunks.length > 1);
      const asked = { prompt: `${trouble} and then well`, maxTokens: 2 };
      const [stream, whole] = [engine.stream(asked), engine.submit(asked)];
      const broken = await begun.last;
      assert.equal(broken.status, "worker_unavailable");
      assert.match(broken.errorMessage, why);
      assert.match(broken.errorMessage, new RegExp(`after ${begun.tokens} tokens of this answer`));
      assert.equal((await stream.last).status, "ok", (await stream.last).errorMessage);
      assert.equal(stream.text, `echo:${trouble} and then well 1`);
      assert.equal((await stream.last).dispatch!.attempts, 2);
      assert.equal((await whole).responseText, `echo:${trouble} and then well`);
      await engine.connected();
      assert.equal(worker.calls().filter(({ kind }) => kind === "session").length, 2);
      assert.equal((await engine.stats()).workerDetail, "");
    },
  );
}

Deno.test({
  name: "an engine that was asleep itself does not take that for the worker's silence",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using worker = new ScriptedWorker(0, "sound");
    const stub = new omnispan.Worker(await worker.address(), credentials.createInsecure());
    const opened = Promise.withResolvers<void>();
    const ends: string[] = [];
    const session = new Session(stub, SILENCE_MS, {
      opened: () => opened.resolve(),
      stepped: () => {},
      unread: () => {},
      loaded: () => {},
      ended: ({ message }) => ends.push(message),
    });
    await opened.promise;
    for (const asleepMs of [SILENCE_MS + 100, SILENCE_MS + 500, 3 * SILENCE_MS]) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, asleepMs);
      await pause(500);
    }
    assert.deepEqual(ends, []);
    session.close();
    stub.close();
  },
});

for (const kind of ["mute", "nameless"] as const) {
  Deno.test({
    name: `a worker whose session is ${kind} gets no request, and its callers get the reason`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using worker = new ScriptedWorker(0, kind);
      await using engine = await engineFor(await worker.address(), {
        WORKER_SILENCE_MS: SILENCE_MS,
        WORKER_WAIT_MS: 2 * SILENCE_MS,
      });
      const reply = await engine.submit({ prompt: "x" });
      assert.equal(reply.status, "worker_unavailable");
      assert.match(reply.errorMessage, /no worker takes requests: the worker said nothing for 1500 ms/);
      await waitUntil("it is tried again", () => {
        return worker.calls().filter(({ kind }) => kind === "session").length >= 2;
      });
      assert.ok(!worker.calls().some(({ kind }) => kind === "submit"));
      await engine.settled();
    },
  });
}

Deno.test({
  name: "a worker that takes connections and never answers them is distinguished from one that serves",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = `127.0.0.1:${listener.addr.port}`;
    await using engine = await engineFor(address, { WORKER_WAIT_MS: 1000 });
    const late = engine.stream({ prompt: "x" }, { deadline: Date.now() + 200 });
    assert.equal((await refusal(late.last)).code, Status.DEADLINE_EXCEEDED);
    const reply = await engine.submit({ prompt: "x" });
    assert.equal(reply.status, "worker_unavailable");
    assert.match(reply.errorMessage, /no worker takes requests: not connected yet/);
    await engine.settled();
  },
});

Deno.test({
  name: "a connection that nobody answers is given up, and the next one is used when a worker answers it",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using worker = new ScriptedWorker(0, "sound");
    using way = await WayTo.open(await worker.address(), { deaf: 1 });
    await using engine = await engineFor(way.address, {
      WORKER_SILENCE_MS: SILENCE_MS,
      WORKER_WAIT_MS: 10_000,
    });
    const early = await engine.submit({ prompt: "early" });
    assert.match(early.errorMessage, /nothing answers at \S+ within 1500 ms \(WORKER_SILENCE_MS\)/);
    await engine.connected();
    assert.equal((await engine.submit({ prompt: "x", maxTokens: 1 })).responseText, "echo:x");
  },
});

Deno.test({
  name: "a session that ends leaves no connection behind",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using worker = new ScriptedWorker(0, "nameless");
    using way = await WayTo.open(await worker.address());
    await using _engine = await engineFor(way.address, { WORKER_SILENCE_MS: SILENCE_MS });
    await waitUntil("the third session is open", () => way.accepted >= 3);
    await waitUntil("the first two connections are closed", () => way.open <= 1, 3000);
  },
});

for (const session of ["sound", undefined] as const) {
  Deno.test({
    name: `sampling and stop fields reach the worker as given, ${session ? "with" : "without"} sessions`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using worker = new ScriptedWorker(0, session);
      await using engine = await engineFor(await worker.address());
      await engine.connected();
      const given = {
        temperature: 0.75,
        topP: 0.5,
        topK: 40,
        seed: 0,
        stop: ["one", "two"],
        ignoreEos: true,
      };
      await engine.submit({ requestId: "given", prompt: "x", maxTokens: 3, ...given });
      await engine.stream({ requestId: "given", prompt: "x", maxTokens: 3, ...given }).last;
      await engine.submit({ requestId: "none", prompt: "x", maxTokens: 3 });
      // A call that is over can be reported as cancelled once more.
      const seen = () => {
        return worker.calls().filter(({ kind }) => kind !== "cancelled").flatMap(({ requests }) => requests);
      };
      await waitUntil("its reports are read", () => seen().length === 3);
      for (const request of seen()) {
        const { temperature, topP, topK, seed, stop, ignoreEos } = request;
        if (request.requestId.startsWith("given")) {
          assert.deepEqual({ temperature, topP, topK, seed, stop, ignoreEos }, given);
        } else {
          assert.deepEqual(
            { temperature, topP, topK, seed, stop, ignoreEos },
            { temperature: 0, topP: 0, topK: 0, seed: undefined, stop: [], ignoreEos: false },
          );
        }
      }
    },
  });
}

/** A port that passes each connection on to `to`, but never answers the first `deaf`. */
class WayTo implements Disposable {
  accepted = 0;
  /** Those that the other end has not closed. */
  open = 0;
  readonly #listener = createServer();
  readonly #sockets: Socket[] = [];

  static async open(to: string, { deaf = 0 } = {}): Promise<WayTo> {
    const way = new WayTo(to, deaf);
    await once(way.#listener.listen(0, "127.0.0.1"), "listening");
    return way;
  }

  private constructor(to: string, deaf: number) {
    const [host, port] = to.split(":");
    this.#listener.on("connection", (socket) => {
      this.open++;
      socket.on("close", () => this.open--);
      this.#keep(socket);
      if (++this.accepted <= deaf) return;
      const on = connect(Number(port), host);
      this.#keep(on);
      socket.pipe(on).pipe(socket);
    });
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  #keep(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    this.#sockets.push(socket);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
