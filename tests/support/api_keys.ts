import { type CallOptions, InterceptingCall } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "./serve.ts";

/** A file of API keys in a folder of its own, changed as people do: by `deno task keys`. */
export class KeyFile implements AsyncDisposable {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<KeyFile> {
    return new KeyFile(await Deno.makeTempDir());
  }

  get path(): string {
    return join(this.folder, "api-keys.json");
  }

  /** A new key, as its owner gets it. `flags` as on the command line. */
  async add(tenant: string, flags = ""): Promise<string> {
    return (await this.#keys(["new", "--tenant", tenant, ...flags.split(" ").filter(Boolean)])).trim();
  }

  async revoke(key: string): Promise<void> {
    await this.#keys(["revoke", idOf(key)]);
  }

  /** Puts another text in its place, in one step. */
  async replace(text: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}.new`, text);
    await Deno.rename(`${this.path}.new`, this.path);
  }

  async #keys(args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "-q", "keys", ...args, "--file", this.path],
      cwd: ROOT,
      signal: AbortSignal.timeout(60_000),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.ok(success, text(stderr));
    return text(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** The part of a key that is not secret. */
export function idOf(key: string): string {
  return key.split("_")[1]!;
}

/** The part that is. */
export function secretOf(key: string): string {
  return key.slice(-43);
}

/** Options of a gRPC call that has the key. */
export function withKey(key: string): CallOptions {
  return withAuthorization(`Bearer ${key}`);
}

export function withAuthorization(value: string): CallOptions {
  return {
    interceptors: [(options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start(metadata, listener, next) {
          metadata.set("authorization", value);
          next(metadata, listener);
        },
      })],
  };
}
