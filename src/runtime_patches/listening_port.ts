/**
 * Deno 2.9.3 stops to accept connections for good, without an error, once an accept has failed for want of file
 * descriptors (EMFILE).
 * No issue is known of node:net; denoland/deno#10148 was the same in Deno's own listener.
 * Delete when a port that has run out of file descriptors accepts again without it (tests/open_files_test.ts).
 */
import { getLogger } from "@logtape/logtape";
import { once } from "node:events";
import { type AddressInfo, Server, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { hostAndPort, type SettingName } from "../config/config.ts";
import { messageOf, StartupError } from "../core/errors.ts";
import type { Millis } from "../core/types.ts";

const log = getLogger(["omnispan", "ingress"]);

/** How long nobody may connect before the engine does it itself, and how far that grows while nobody else comes. */
const QUIET_MS = { first: 5000, most: 60_000 };
/** So many ticks in a row may pass until its connection is taken. However long the engine itself slept, that is one. */
const TICKS = 40;
const TICK_MS = 50;

/** When a connection was last taken at any port of this process: whatever takes file descriptors shows in it. */
let busyAt = 0;

/**
 * The listening socket of one port. While nobody else connects, the port connects to itself, and when that connection
 * is not taken it listens anew; connections that stand already are not touched.
 */
export class ListeningPort implements Disposable {
  #taken = 0;
  #dial: Socket | undefined;
  #closed = false;
  readonly #stop = new AbortController();

  /** `setting` names the port, and `remedy` says what else it may be. */
  constructor(
    private readonly server: Server,
    private readonly host: string,
    private readonly setting: SettingName,
    private readonly remedy: string,
    private readonly quietMs: { readonly first: Millis; readonly most: Millis } = QUIET_MS,
  ) {
    server.on("connection", () => {
      this.#taken++;
      if (!this.#dial) busyAt = performance.now();
    });
    server.on("error", ({ message }: Error) => {
      if (server.listening) log.warn("{setting}: {message}", { setting, message });
    });
  }

  /**
   * Starts to listen and returns the port.
   * @throws {StartupError} when the address can't be had
   */
  async listen(port: number): Promise<number> {
    await this.#listen(port).catch((cause) => {
      const rule = `BIND_HOST and ${this.setting} must be an address that is free${this.remedy}`;
      throw new StartupError([
        `${rule}, got ${hostAndPort(this.host, port)}: ${messageOf(cause)} (another engine may be running; ` +
        "ports from 32768 up can also be held by an outgoing connection)",
      ], { cause });
    });
    const address = this.server.address() as AddressInfo;
    void this.#watch(address);
    return address.port;
  }

  /** Calls `take` with each connection of others; those that the port made to itself are closed. */
  onForeign(event: "connection" | "secureConnection", take: (socket: Socket) => void): void {
    this.server.on(event, (socket: Socket) => {
      const dial = this.#dial;
      const decide = () => {
        if (dial && dial.localPort === socket.remotePort) socket.destroy();
        else take(socket);
      };
      if (!dial?.connecting) return decide();
      socket.on("error", () => {}); // until somebody takes it
      void Promise.race([once(dial, "connect"), once(dial, "close")]).then(decide, decide); // its port is known then
    });
  }

  /** Ends the watch; the server itself is closed by its owner. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#stop.abort();
    this.#dial?.destroy();
  }

  #listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.server.once("error", reject);
    this.server.listen(port, this.host, () => {
      this.server.off("error", reject);
      resolve();
    });
    return promise;
  }

  async #watch({ address, port }: AddressInfo): Promise<void> {
    const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
    let quietMs = this.quietMs.first;
    let lookedAt = performance.now();
    let taken = this.#taken;
    while (await this.#pause(quietMs)) {
      const calm = busyAt <= lookedAt;
      lookedAt = performance.now();
      quietMs = calm ? Math.min(quietMs * 2, this.quietMs.most) : this.quietMs.first;
      const isQuiet = this.#taken === taken;
      const hears = !isQuiet || await this.#isTaken(host, port);
      taken = this.#taken;
      if (hears || this.#closed) continue;
      quietMs = this.quietMs.first;
      await this.#listenAnew(port);
    }
  }

  /** Whether a connection to the port is accepted; true also when none can be made, for that tells nothing. */
  async #isTaken(host: string, port: number): Promise<boolean> {
    const before = this.#taken;
    let failure: string | undefined;
    let over = false;
    const dial = this.#dial = new Socket();
    dial.on("error", (error: Error & { code?: string }) => failure = error.code ?? error.message);
    dial.on("close", () => over = true);
    try {
      dial.connect({ host, port }).resume();
      for (let tick = 0; tick < TICKS && !over && this.#taken === before; tick++) {
        if (!await this.#pause(TICK_MS)) return true;
      }
      if (failure === "ECONNREFUSED") return false;
      return over || this.#taken !== before; // one beyond MAX_CONNECTIONS is closed without an event
    } catch {
      return true;
    } finally {
      dial.destroy();
      this.#dial = undefined;
    }
  }

  async #listenAnew(port: number): Promise<void> {
    const address = hostAndPort(this.host, port);
    Server.prototype.close.call(this.server); // http.Server's own would also close idle connections
    try {
      await this.#listen(port);
      log.error("{address} ({setting}) accepted no connections any more, and listens anew", {
        address,
        setting: this.setting,
      });
    } catch (thrown) {
      log.error("{address} ({setting}) accepts no connections and can't listen anew: {message}", {
        address,
        setting: this.setting,
        message: messageOf(thrown),
      });
    }
  }

  /** False when the port was closed meanwhile. */
  async #pause(ms: Millis): Promise<boolean> {
    await delay(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
    return !this.#closed;
  }
}
