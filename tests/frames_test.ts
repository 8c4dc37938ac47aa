/**
 * Malformed frames, calls and messages at the engine's port and at the worker's: each ends in a clean error or a
 * closed connection, and the next good request is answered. Random bytes come from a seed that a failure names.
 */
import { status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { isAlive } from "../src/serve/launchers.ts";
import { engineFor, TestClient } from "./support/engine.ts";
import { healthNow } from "./support/health.ts";
import type { TestProcess } from "./support/process.ts";
import {
  call,
  type CallEnd,
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  grpcMessage,
  headerBlock,
  OPENING,
  PREFACE,
  protoField,
  throwAt,
} from "./support/raw_http2.ts";
import { Serve } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { waitUntil } from "./support/wait.ts";

const SEED = Number(Deno.env.get("FRAMES_SEED") ?? 20_240_611);

/** How long a connection that was thrown something is watched. */
const WATCH_MS = 150;

/** A process under attack. */
interface Target {
  readonly address: string;
  readonly process: TestProcess;
  /** A unary and a streaming method. */
  readonly paths: { readonly unary: string; readonly stream: string };
  /** A good request over a connection that was there before. */
  ask(): Promise<void>;
}

type Attack = (target: Target) => Promise<void>;

function test(name: string, fn: () => Promise<void>): void {
  // grpc-js keeps timers and sockets for a moment after a close.
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

for (const [who, start] of [["engine", withEngine], ["worker", withWorker]] as const) {
  test(`the ${who} stays sound whatever frames and messages it is sent (seed ${SEED})`, async () => {
    await start(async (target) => {
      await target.ask();
      const faults: string[] = [];
      for (const [name, attack] of Object.entries(ATTACKS)) {
        await attack(target).catch((thrown) => faults.push(`${name}: ${thrown}`));
        await serves(target).catch((thrown) => faults.push(`health after "${name}": ${thrown}`));
        await target.ask().catch((thrown) => faults.push(`the request after "${name}": ${thrown}`));
        if (!isAlive(target.process.pid)) break;
      }
      assert.deepEqual(faults, [], target.process.stderr.slice(-20).join("\n"));
    });
  });
}

for (const [who, start] of [["engine", withEngine], ["worker", withWorker]] as const) {
  test(`a path that is no UTF-8 does not end the ${who}'s service`, async () => {
    await start(async (target) => {
      const path = new Uint8Array([...bytes("/omnispan."), 0xb8]);
      const headers = headerBlock({ ...callHeaders(""), ":path": path });
      await throwAt(
        target.address,
        [...OPENING, frame(FRAME.headers, END_HEADERS | END_STREAM, 1, headers)],
        WATCH_MS,
      );
      await serves(target);
      await target.ask();
      assert.equal(await healthNow(target.address), "SERVING");
    });
  });
}

test("garbage on one session with the worker ends that session and no other", async () => {
  await using worker = await SimWorker.start({ profile: "fixed20" });
  await using engine = await engineFor(worker.address);
  await engine.connected();
  const stream = engine.stream({ prompt: "undisturbed", maxTokens: 60 });
  await waitUntil("it runs", () => stream.chunks.length > 0);
  const path = "/omnispan.Worker/Session";
  for (
    const body of [
      grpcMessage(new Uint8Array([1 << 3 | 2, 200])),
      grpcMessage(GOOD_BODY, 1),
      grpcMessage(GOOD_BODY, 0, 2 ** 31 - 1),
      random(SEED, 300),
      new Uint8Array(),
    ]
  ) {
    const { grpcStatus, timedOut } = await call(worker.address, path, body);
    assert.ok(grpcStatus !== undefined && !timedOut, "it has an end");
  }
  assert.equal((await stream.last).status, "ok");
  assert.equal((await stream.last).dispatch!.attempts, 1);
  assert.equal(stream.tokens, 60);
  assert.equal((await engine.submit({ prompt: "next", maxTokens: 1 })).dispatch!.attempts, 1);
});

/** After a path that is no UTF-8 the worker listens anew: clients that were refused meanwhile try again in a second. */
function serves({ address }: Target): Promise<void> {
  return waitUntil("it serves", async () => await healthNow(address).catch(String) === "SERVING", 5000);
}

async function withEngine(body: (target: Target) => Promise<void>): Promise<void> {
  await using worker = await SimWorker.start();
  await using serve = new Serve({
    flags: ["--worker-endpoint", worker.address],
    env: { LOG_LEVEL: "error" },
  });
  const address = await serve.address();
  await using client = new TestClient(address);
  await body({
    address,
    process: serve,
    paths: { unary: "/omnispan.Engine/SubmitGenerate", stream: "/omnispan.Engine/SubmitGenerateStream" },
    async ask() {
      assert.equal((await client.submit({ prompt: "good", maxTokens: 2 })).status, "ok");
      assert.equal((await client.stream({ prompt: "good", maxTokens: 2 }).last).status, "ok");
    },
  });
  await client.settled();
}

async function withWorker(body: (target: Target) => Promise<void>): Promise<void> {
  await using worker = await SimWorker.start();
  using client = worker.client();
  await body({
    address: worker.address,
    process: worker,
    paths: { unary: "/omnispan.Worker/Generate", stream: "/omnispan.Worker/GenerateStream" },
    async ask() {
      assert.match(await client.answer("good", 2), /^simulated-/);
    },
  });
}

const GOOD_BODY = protoField(3, "hello");
const OPEN_CALL = (path: string, flags = END_HEADERS) =>
  frame(FRAME.headers, flags, 1, headerBlock(callHeaders(path)));
const bytes = (text: string) => new TextEncoder().encode(text);

/** Sends bytes; that the target goes on is all that is asked. */
function raw(make: (target: Target) => readonly Uint8Array[]): Attack {
  return async (target) => void await throwAt(target.address, make(target), WATCH_MS);
}

/** Sends what no HTTP/2 can be made of; the connection must not stay. */
function closes(make: (target: Target) => readonly Uint8Array[]): Attack {
  return async (target) => {
    const { closed } = await throwAt(target.address, make(target), 10_000);
    assert.ok(closed, "the connection was left open");
  };
}

/** A call over sound HTTP/2 to both methods, which must end with one of these. */
function ends(statuses: readonly Status[], body: Uint8Array, headers: Record<string, string> = {}): Attack {
  return async ({ address, paths }) => {
    for (const path of [paths.unary, paths.stream]) {
      const { grpcStatus, httpStatus, message } = await call(address, path, body, headers);
      assert.ok(
        grpcStatus !== undefined && statuses.includes(grpcStatus),
        `${path} ended with ${grpcStatus} (HTTP ${httpStatus}, ${message}), not ${statuses}`,
      );
    }
  };
}

/** A call over sound HTTP/2 to the unary method, the end of which must pass. */
function unary(
  body: Uint8Array,
  passes: (end: CallEnd) => boolean,
  headers: Record<string, string> = {},
): Attack {
  return async ({ address, paths }) => {
    const end = await call(address, paths.unary, body, headers);
    assert.ok(passes(end), JSON.stringify(end));
  };
}

/** grpc.aio leaves a unary call without a message open until its caller goes. */
function refused({ grpcStatus, timedOut }: CallEnd): boolean {
  return timedOut || (grpcStatus !== undefined && grpcStatus !== Status.OK);
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "nothing at all": raw(() => []),
  "HTTP/1 GET": closes(() => [bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]),
  "HTTP/1 POST that would upgrade": closes(() => [
    bytes("POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
    bytes("HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: 5\r\n\r\nhello"),
  ]),
  "TLS": closes(() => [new Uint8Array([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]), random(SEED, 200)]),
  "a wrong preface": closes(() => [bytes("PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n"), frame(FRAME.settings, 0, 0)]),
  "half a preface": raw(() => [PREFACE.subarray(0, 10)]),
  "the preface alone": raw(() => [PREFACE]),
  "bad HPACK": closes(({ paths }) => [
    ...OPENING,
    frame(FRAME.headers, END_HEADERS, 1, new Uint8Array(40).fill(0xff)),
    OPEN_CALL(paths.unary),
  ]),
  "a frame larger than allowed": closes(() => [
    ...OPENING,
    frame(FRAME.data, 0, 1, new Uint8Array(100), 2 ** 24 - 1),
  ]),
  "DATA on stream 0": raw(() => [...OPENING, frame(FRAME.data, 0, 0, GOOD_BODY)]),
  "DATA on an idle stream": raw(() => [...OPENING, frame(FRAME.data, END_STREAM, 7, GOOD_BODY)]),
  "SETTINGS of a wrong length": closes(() => [...OPENING, frame(FRAME.settings, 0, 0, new Uint8Array(5))]),
  "a window that overflows": raw(() => [
    ...OPENING,
    frame(FRAME.windowUpdate, 0, 0, new Uint8Array([0x7f, 0xff, 0xff, 0xff])),
    frame(FRAME.windowUpdate, 0, 0, new Uint8Array([0x7f, 0xff, 0xff, 0xff])),
  ]),
  "a push from a client": raw(() => [...OPENING, frame(FRAME.push, END_HEADERS, 1, new Uint8Array(8))]),
  "CONTINUATION without HEADERS": closes(() => [
    ...OPENING,
    frame(FRAME.continuation, END_HEADERS, 1, headerBlock({ a: "b" })),
  ]),
  "HEADERS that never end": raw(({ paths }) => [
    ...OPENING,
    OPEN_CALL(paths.unary, 0),
    ...Array.from({ length: 200 }, () => frame(FRAME.continuation, 0, 1, fatBlock(8000))),
  ]),
  "500 pings": raw(() => [
    ...OPENING,
    ...Array.from({ length: 500 }, () => frame(FRAME.ping, 0, 0, new Uint8Array(8))),
  ]),
  "500 streams that are reset at once": raw(({ paths }) => [
    ...OPENING,
    ...Array.from({ length: 500 }, (_, i) => [
      frame(FRAME.headers, END_HEADERS, 2 * i + 1, headerBlock(callHeaders(paths.unary))),
      frame(FRAME.reset, 0, 2 * i + 1, new Uint8Array([0, 0, 0, 8])),
    ]).flat(),
  ]),
  "300 whole requests that are reset at once": raw(({ paths }) => [
    ...OPENING,
    ...Array.from({ length: 300 }, (_, i) => [
      frame(FRAME.headers, END_HEADERS, 2 * i + 1, headerBlock(callHeaders(paths.unary))),
      frame(FRAME.data, END_STREAM, 2 * i + 1, grpcMessage(GOOD_BODY)),
      frame(FRAME.reset, 0, 2 * i + 1, new Uint8Array([0, 0, 0, 8])),
    ]).flat(),
  ]),
  "a connection that goes away within a message": raw(({ paths }) => [
    ...OPENING,
    OPEN_CALL(paths.unary),
    frame(FRAME.data, 0, 1, grpcMessage(GOOD_BODY, 0, 1000)),
  ]),
  "a connection that goes away within a frame": raw(({ paths }) => [
    ...OPENING,
    OPEN_CALL(paths.unary),
    frame(FRAME.data, 0, 1, GOOD_BODY, 1000),
  ]),
  "random bytes": async ({ address }) => {
    for (let i = 0; i < 20; i++) {
      await throwAt(address, [random(SEED + i, 1 + 97 * i * i)], WATCH_MS / 5);
    }
  },
  "random bytes after the opening": async ({ address }) => {
    for (let i = 0; i < 20; i++) {
      await throwAt(address, [...OPENING, random(SEED + 100 + i, 1 + 97 * i * i)], WATCH_MS / 5);
    }
  },
  "random frames": async ({ address }) => {
    for (let i = 0; i < 40; i++) {
      await throwAt(address, [...OPENING, ...randomFrames(SEED + 200 + i, 30)], WATCH_MS / 5);
    }
  },
  "random changes to a good request": async (target) => {
    const { address, paths } = target;
    for (let i = 0; i < 60; i++) {
      const good = [
        ...OPENING,
        OPEN_CALL(paths.unary),
        frame(FRAME.data, END_STREAM, 1, grpcMessage(GOOD_BODY)),
      ];
      await throwAt(address, changed(SEED + 300 + i, good), WATCH_MS / 5).catch(() => serves(target));
    }
  },
  "50 connections that say nothing": async (target) => {
    const [hostname = "", port] = target.address.split(":");
    const connections: Deno.Conn[] = [];
    try {
      for (let i = 0; i < 50; i++) {
        const connection = await Deno.connect({ hostname, port: Number(port) });
        connections.push(connection);
        if (i % 2 === 0) await connection.write(PREFACE.subarray(0, i));
      }
      await target.ask();
      assert.equal(await healthNow(target.address), "SERVING");
    } finally {
      for (const connection of connections) connection.close();
    }
  },
  "100 calls that are opened and never go on": async (target) => {
    const session = connect(`http://${target.address}`);
    session.on("error", () => {});
    for (let i = 0; i < 100; i++) {
      session.request(callHeaders(target.paths.unary), { endStream: false }).on("error", () => {});
    }
    await target.ask();
    session.destroy();
  },
  "a message longer than its bytes, up to 2 GB": ends(
    [Status.RESOURCE_EXHAUSTED, Status.INTERNAL],
    grpcMessage(GOOD_BODY, 0, 2 ** 31 - 1),
  ),
  "a message longer than the largest length": ends(
    [Status.RESOURCE_EXHAUSTED, Status.INTERNAL],
    grpcMessage(GOOD_BODY, 0, 2 ** 32 - 1),
  ),
  "a prefix that is cut": unary(grpcMessage(GOOD_BODY).subarray(0, 3), refused),
  // grpc-js takes it as if it were not compressed.
  "a compressed message without its encoding": ends(
    [Status.OK, Status.INTERNAL, Status.UNIMPLEMENTED],
    grpcMessage(GOOD_BODY, 1),
  ),
  "an encoding that nobody knows": ends(
    [Status.UNIMPLEMENTED, Status.INTERNAL],
    grpcMessage(GOOD_BODY, 1),
    { "grpc-encoding": "zebra" },
  ),
  "gzip that is none": ends(
    [Status.INTERNAL, Status.INVALID_ARGUMENT, Status.UNKNOWN],
    grpcMessage(GOOD_BODY, 1),
    { "grpc-encoding": "gzip" },
  ),
  // protobufjs takes what there is of a text.
  "a text that is cut": ends(
    [Status.OK, Status.INTERNAL, Status.UNKNOWN],
    grpcMessage(GOOD_BODY.subarray(0, 4)),
  ),
  "protobuf that is cut": ends(
    [Status.INTERNAL, Status.UNKNOWN],
    grpcMessage(new Uint8Array([4 << 3, 0x80])),
  ),
  "a message somewhat larger than a prompt may be": unary(
    grpcMessage(new Uint8Array(6 * 2 ** 20)),
    // A peer that says so at the message's head may close the stream before the rest has come.
    ({ grpcStatus }) => grpcStatus !== Status.OK,
  ),
  "text that is no UTF-8": ends(
    [Status.OK, Status.INVALID_ARGUMENT], // the worker says it in its reply
    grpcMessage(protoField(3, new Uint8Array([0x61, 0xc3, 0x28, 0xff, 0xed, 0xa0, 0x80]))),
  ),
  "no message": unary(new Uint8Array(), refused),
  "two messages where one is due": unary(
    new Uint8Array([...grpcMessage(GOOD_BODY), ...grpcMessage(GOOD_BODY)]),
    ({ grpcStatus }) => grpcStatus !== undefined,
  ),
  "a method that nobody has": async ({ address }) => {
    const { grpcStatus } = await call(address, "/omnispan.Nobody/Does", grpcMessage(GOOD_BODY));
    assert.equal(grpcStatus, Status.UNIMPLEMENTED);
  },
  "a path that is none": async ({ address }) => {
    const { grpcStatus, httpStatus } = await call(address, "/%00/../..//x", grpcMessage(GOOD_BODY));
    assert.ok(grpcStatus === Status.UNIMPLEMENTED || httpStatus !== 200, `${grpcStatus} ${httpStatus}`);
  },
  "GET": unary(new Uint8Array(), ({ grpcStatus }) => grpcStatus !== Status.OK, { ":method": "GET" }),
  "a content type that is not gRPC": unary(grpcMessage(GOOD_BODY), () => true, {
    "content-type": "text/html",
  }),
  "metadata of 200 KB": unary(
    grpcMessage(GOOD_BODY),
    () => true,
    Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, "y".repeat(1000)])),
  ),
  "a time-out that is none": ends(
    [Status.OK, Status.INTERNAL, Status.INVALID_ARGUMENT, Status.OUT_OF_RANGE],
    grpcMessage(GOOD_BODY),
    { "grpc-timeout": "soon" },
  ),
  "binary metadata that is no base64": ends(
    [Status.OK, Status.INTERNAL, Status.INVALID_ARGUMENT, Status.UNKNOWN],
    grpcMessage(GOOD_BODY),
    { "x-bin": "!!!!" },
  ),
  "a field of a wrong type": ends(
    [Status.INVALID_ARGUMENT, Status.INTERNAL, Status.UNKNOWN],
    grpcMessage(new Uint8Array([3 << 3 | 0, 0xff, 0xff])),
  ),
};

/** Header fields of this many bytes together. */
function fatBlock(size: number): Uint8Array {
  const fields: Record<string, string> = {};
  for (let i = 0; i * 120 < size; i++) fields[`x-${i}`] = "y".repeat(110);
  return headerBlock(fields);
}

function numbers(seed: number): (least: number, most: number) => number {
  const generator = xoroshiro128plus(seed);
  return (least, most) => uniformInt(generator, least, most);
}

function random(seed: number, length: number): Uint8Array {
  const next = numbers(seed);
  return Uint8Array.from({ length }, () => next(0, 255));
}

function randomFrames(seed: number, count: number): Uint8Array[] {
  const next = numbers(seed);
  return Array.from({ length: count }, () => {
    const payload = Uint8Array.from({ length: next(0, 60) }, () => next(0, 255));
    return frame(
      next(0, 12),
      next(0, 255),
      next(0, 9),
      payload,
      next(0, 9) === 0 ? next(0, 2 ** 24 - 1) : undefined,
    );
  });
}

/** The same bytes with some of them changed. */
function changed(seed: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const next = numbers(seed);
  const copies = parts.map((part) => part.slice());
  for (let i = next(1, 8); i > 0; i--) {
    const part = copies[next(0, copies.length - 1)]!;
    part[next(0, part.length - 1)] = next(0, 255);
  }
  return copies;
}
