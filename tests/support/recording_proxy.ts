/** A proxy for the web that keeps the first line of what it is asked, and hangs up. */
export class RecordingProxy implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #served = this.#serve();

  /** Sends a process there with whatever it asks over HTTP or gRPC, if it looks at one of these. */
  get env(): Readonly<Record<string, string>> {
    const url = `http://127.0.0.1:${this.#listener.addr.port}`;
    const names = ["http_proxy", "https_proxy", "all_proxy", "grpc_proxy"];
    const cases = names.flatMap((name) => [name, name.toUpperCase()]);
    return {
      ...Object.fromEntries(cases.map((name) => [name, url])),
      no_proxy: "",
      NO_PROXY: "",
      DENO_NO_UPDATE_CHECK: "1",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#served;
  }

  async #serve(): Promise<void> {
    const buffer = new Uint8Array(4096);
    for await (const connection of this.#listener) {
      using _ = connection;
      const read = await connection.read(buffer).catch(() => null);
      this.asked.push(new TextDecoder().decode(buffer.subarray(0, read ?? 0)).split("\r\n", 1)[0]!);
    }
  }
}
