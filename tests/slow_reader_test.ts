/** Streams whose client does not read: bounded, cut off, and no harm to the streams beside them. */
import assert from "node:assert/strict";
import { Certificates, OPENSSL } from "./support/certificates.ts";
import { engineFor, TestClient } from "./support/engine.ts";
import { END_STREAM, FRAME, grpcMessage, RawConnection } from "./support/raw_http2.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { waitUntil } from "./support/wait.ts";

const PATH = "/omnispan.Engine/SubmitGenerateStream";
const TOKENS = 4000;
/** RST_STREAM's ENHANCE_YOUR_CALM, which gRPC clients read as RESOURCE_EXHAUSTED. */
const CALM = 11;

/** A GenerateRequest of `prompt` (field 3) and `max_tokens` (field 4) as a gRPC message. */
function requestOf(prompt: string): Uint8Array {
  const text = new TextEncoder().encode(prompt);
  const message = [0x1a, text.length, ...text, 0x20, TOKENS & 127 | 128, TOKENS >> 7];
  return grpcMessage(Uint8Array.from(message));
}

for (const over of ["TCP", "TLS"] as const) {
  Deno.test({
    name:
      `over ${over} a client that does not read one stream loses that stream, and its other streams come whole`,
    ignore: over === "TLS" && !OPENSSL,
    // grpc-js keeps timers and sockets for a moment after a close.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      // Slow enough for a reader that reads.
      await using worker = await SimWorker.start({ profile: { stepMs: 0.5 } });
      await using certificates = over === "TLS" ? await Certificates.create() : undefined;
      await certificates?.issue("server");
      await using engine = await engineFor(worker.address, {
        ENGINE_MODE: "continuous",
        STREAM_BUFFER_BYTES: 8192,
        ...certificates?.serving("server"),
      });
      await engine.connected();
      const address = engine.engine.address.replace("127.0.0.1", "localhost");
      await using watcher = new TestClient(address, certificates?.believing("ca"));
      using client = await RawConnection.open(address, {
        initialWindow: 1024,
        ...(certificates && { caCerts: [certificates.text("ca")] }),
      });
      const unread = client.request(PATH, requestOf("unread"));
      const read = client.request(PATH, requestOf("read"));
      client.allow(read, 1 << 20); // more than all of it, so that a busy machine's late reader is no slow one
      let readBytes = 0;
      const ends = new Map<number, number | "whole">();
      while (ends.size < 2) {
        const frame = await client.next();
        if (frame.type === FRAME.data) {
          if (frame.stream === read) {
            readBytes += frame.payload.length;
          }
          client.allow(0, frame.payload.length); // the connection's own window stays open
        }
        if (frame.type === FRAME.reset) {
          ends.set(frame.stream, new DataView(frame.payload.buffer).getUint32(0));
        }
        if (frame.type === FRAME.headers && frame.flags & END_STREAM) ends.set(frame.stream, "whole");
      }
      assert.deepEqual([ends.get(unread), ends.get(read)], [CALM, "whole"]);
      assert.ok(readBytes > 4 * TOKENS, "the stream beside it came in full");
      await watcher.settled();
      await waitUntil("its row is free", async () => (await watcher.stats()).load?.running === 0);
    },
  });
}
