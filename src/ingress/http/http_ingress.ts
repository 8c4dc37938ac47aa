import { loadAssets } from "../../page/assets.ts";
import type { KeyPair } from "../../access/secret_files.ts";
import type { Ingress } from "../ingress.ts";
import { httpApp, type Shown } from "./app.ts";
import { HttpServer } from "./http_server.ts";
import { type LiveSource, LiveStreams } from "./live_stream.ts";

/** All that stands behind HTTP_PORT. */
export class HttpIngress implements AsyncDisposable {
  private constructor(private readonly server: HttpServer, private readonly streams: LiveStreams) {}

  /** Reads the live page; listens only when it is told to. */
  static async load(
    ingress: Ingress,
    { metrics, live }: { readonly metrics: Shown["metrics"]; readonly live: LiveSource },
    certificate: KeyPair | undefined,
  ): Promise<HttpIngress> {
    const streams = new LiveStreams(live);
    const app = httpApp(ingress, { metrics, live: streams, assets: await loadAssets() });
    return new HttpIngress(new HttpServer(ingress.settings, app, certificate), streams);
  }

  /**
   * Starts to listen and returns the port.
   * @throws {StartupError} when the address can't be had
   */
  listen(): Promise<number> {
    return this.server.listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.streams[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
  }
}
