import { credentials } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { hasCommand } from "./commands.ts";

/** Certificates are made by the command openssl; where there is none, tests of TLS are skipped. */
export const OPENSSL = hasCommand("openssl");

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1";

/** Certificates with their keys, as files in a folder of their own: NAME.pem and NAME.key. */
export class Certificates implements AsyncDisposable {
  private constructor(private readonly folder: string) {}

  /** With two authorities, `ca` and `other`. */
  static async create(): Promise<Certificates> {
    const made = new Certificates(await Deno.makeTempDir());
    for (const name of ["ca", "other"]) {
      await made.#openssl("req", "-x509", ...CURVE, "-subj", `/CN=${name}`, ...made.#pair(name));
    }
    return made;
  }

  cert(name: string): string {
    return join(this.folder, `${name}.pem`);
  }

  key(name: string): string {
    return join(this.folder, `${name}.key`);
  }

  text(name: string): string {
    return Deno.readTextFileSync(this.cert(name));
  }

  /** Settings of an engine that shows this one. */
  serving(name: string): { readonly TLS_CERT: string; readonly TLS_KEY: string } {
    return { TLS_CERT: this.cert(name), TLS_KEY: this.key(name) };
  }

  /** For this machine, signed by an authority. `extension`: which names it has. */
  async issue(name: string, authority = "ca", extension = NAMES): Promise<void> {
    await this.#openssl("req", ...CURVE, "-subj", `/CN=${name}`, ...this.#pair(name));
    await Deno.writeTextFile(join(this.folder, "extensions"), `basicConstraints=CA:FALSE\n${extension}\n`);
    await this.#openssl(
      ...["x509", "-req", "-in", this.cert(name), "-CA", this.cert(authority), "-CAkey", this.key(authority)],
      ...["-CAcreateserial", "-extfile", join(this.folder, "extensions"), "-out", this.cert(name)],
    );
  }

  /** For this machine, signed by itself. */
  async selfSign(name: string): Promise<void> {
    const extensions = ["-addext", NAMES, "-addext", "basicConstraints=critical,CA:FALSE"];
    await this.#openssl(
      "req",
      "-x509",
      ...CURVE,
      "-subj",
      "/CN=localhost",
      ...extensions,
      ...this.#pair(name),
    );
  }

  /** Writes the key of `name` with a passphrase, as the key of `locked`. */
  async lock(name: string, locked: string): Promise<void> {
    await this.#openssl(
      "ec",
      "-in",
      this.key(name),
      "-aes128",
      "-passout",
      "pass:open",
      "-out",
      this.key(locked),
    );
  }

  /** Credentials of a gRPC client that believes this one. */
  believing(name: string) {
    return credentials.createSsl(Buffer.from(this.text(name)));
  }

  /** For a `fetch` that does. */
  httpClient(name: string): Deno.HttpClient {
    return Deno.createHttpClient({ caCerts: [this.text(name)] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  #pair(name: string): string[] {
    return ["-keyout", this.key(name), "-out", this.cert(name)];
  }

  async #openssl(...args: readonly string[]): Promise<void> {
    const { success, stderr } = await new Deno.Command("openssl", {
      args: [...args],
      stdout: "null",
      signal: AbortSignal.timeout(120_000),
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
}
