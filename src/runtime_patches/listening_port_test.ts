import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { waitUntil } from "../../tests/support/wait.ts";
import { ListeningPort } from "./listening_port.ts";

const QUIET_MS = { first: 20, most: 20 };

/** A server that counts what it accepts and how often it began to listen. */
class Counted {
  readonly server = createServer();
  accepted = 0;
  listened = 0;
  readonly foreign: Socket[] = [];
  readonly port: ListeningPort;

  constructor(host: string, quietMs = QUIET_MS) {
    this.server.on("connection", () => this.accepted++);
    this.server.on("listening", () => this.listened++);
    this.port = new ListeningPort(this.server, host, "BIND_PORT", "", quietMs);
    this.port.onForeign(
      "connection",
      (socket) => this.foreign.push(socket.on("data", () => socket.write("yes"))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.port[Symbol.dispose]();
    for (const socket of this.foreign) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

function answered(port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host: "127.0.0.1", port }, () => socket.write("?"));
  socket.once("data", () => resolve(socket)).on("error", reject);
  return promise;
}

for (const host of ["127.0.0.1", "0.0.0.0"]) {
  Deno.test(`a port of ${host} that accepts is left as it is, and sees none of its own connections`, async () => {
    await using counted = new Counted(host);
    const port = await counted.port.listen(0);
    const client = await answered(port);
    await waitUntil("it has connected to itself", () => counted.accepted >= 5);
    counted.server.maxConnections = 1; // what it makes now is closed without an event
    const before = counted.accepted;
    await new Promise((resolve) => setTimeout(resolve, 10 * QUIET_MS.first));
    assert.ok(counted.accepted <= before + 1);
    assert.deepEqual([counted.listened, counted.foreign.length], [1, 1]);
    client.destroy();
  });
}

Deno.test("a port to which others connect makes no connections to itself", async () => {
  await using counted = new Counted("127.0.0.1", { first: 1000, most: 1000 });
  const port = await counted.port.listen(0);
  const until = performance.now() + 2500;
  let made = 0;
  for (; performance.now() < until; made++) (await answered(port)).destroy();
  assert.equal(counted.accepted, made);
});

Deno.test("a port that is closed behind its back listens anew, and keeps the connections that stand", async () => {
  await using counted = new Counted("127.0.0.1");
  const port = await counted.port.listen(0);
  const client = await answered(port);
  counted.server.close();
  await waitUntil("it listens again", () => counted.listened === 2);
  const next = await answered(port);
  const answer = new Promise((resolve) => client.once("data", resolve));
  client.write("?");
  await answer;
  for (const socket of [client, next]) socket.destroy();
});
