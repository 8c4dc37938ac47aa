import { setTimeout as delay } from "node:timers/promises";
import { type ChannelCredentials, connectivityState } from "@grpc/grpc-js";
import { addressOf, type SchedulerSettings } from "../config/config.ts";
import { omnispan } from "../grpc/contract.ts";
import type { WorkerClient as WorkerStub } from "../grpc/generated/omnispan/Worker.ts";
import type { DispatchGroup, DispatchMember, WorkerEvent } from "../core/events.ts";
import {
  failedReply,
  type Millis,
  type SequenceId,
  type WorkerId,
  type WorkerLoad,
  type WorkerStatus,
} from "../core/types.ts";
import type { WorkerDriver } from "./driver.ts";
import { FixedRpcs } from "./fixed_rpcs.ts";
import { isUnicode } from "./messages.ts";
import { Session } from "./session.ts";
import { ConnectTimeout } from "../runtime_patches/connect_timeout.ts";
import { workerCredentials, type WorkerTls } from "./worker_credentials.ts";
import { WorkerHealth } from "./worker_health.ts";

/** What a link tells of. */
export interface LinkListener {
  /** Of the worker and of what it carries, for the core. */
  event(event: WorkerEvent): void;
  status(status: WorkerStatus): void;
  warn(message: string): void;
}

const RECONNECT_MS = { first: 100, most: 1000 };
/** How often a worker without sessions, which can't announce that it stops, is asked whether it serves again. */
const ASK_AGAIN_MS = 100;
const HEALTH_TIMEOUT_MS = 2000;
/** Bytes of prompts in one message: the worker takes four times as much, and one prompt has at most so many. */
const MESSAGE_BYTES = 64 * 2 ** 20;

/**
 * The way to one Python worker, opened and re-opened by itself: over a Session, or over the fixed RPCs where the
 * worker has none. When it breaks, the core hears that the worker is down, and of all that it carried how it ended:
 * a connection that is gone for new calls can still bring the last words of those it has.
 */
export class WorkerLink {
  readonly #credentials: ChannelCredentials;
  #stub: WorkerStub | undefined;
  #driver: WorkerDriver | undefined;
  /** Of this stub, once it has shown that it has no sessions; ends what it carries also when it is not the driver. */
  #fixed: FixedRpcs | undefined;
  #status: WorkerStatus = { state: "down", detail: "not connected yet" };
  /** Why the last handshake failed; empty once one has succeeded. */
  #tlsProblem = "";
  #told = false;
  #backoffMs: Millis = RECONNECT_MS.first;
  #reconnect: ReturnType<typeof setTimeout> | undefined;
  readonly #connectTimeout: ConnectTimeout;

  constructor(
    /** The worker's number in the core. */
    private readonly worker: WorkerId,
    private readonly settings: Pick<SchedulerSettings, "WORKER_SILENCE_MS"> & WorkerTls,
    private readonly listener: LinkListener,
  ) {
    this.#credentials = workerCredentials(settings, (why) => this.#tlsFailed(why));
    const { WORKER_ENDPOINT, WORKER_SILENCE_MS } = settings;
    const silence =
      `nothing answers at ${WORKER_ENDPOINT} within ${WORKER_SILENCE_MS} ms (WORKER_SILENCE_MS)`;
    this.#connectTimeout = new ConnectTimeout(WORKER_SILENCE_MS, () => this.#startAgain(silence));
    this.#connect();
  }

  /**
   * The core sends only while the worker is up; what it cancels may be gone already. What can't be written is answered
   * here, and a group that is too large for one message goes in several.
   */
  dispatch(group: DispatchGroup): void {
    const writable = group.members.filter(isUnicode);
    for (const members of portions(writable)) this.#driver?.dispatch({ ...group, members });
    if (writable.length === group.members.length) return;
    const results = group.members.filter((member) => !isUnicode(member)).map(({ sequence, wireId }) => {
      return { sequence, reply: { ...NOT_UNICODE, wireId } };
    });
    this.listener.event({ kind: "step", worker: this.worker, step: { deltas: [], results } });
  }

  cancel(sequences: readonly SequenceId[]): void {
    this.#driver?.cancel(sequences);
    if (this.#fixed !== this.#driver) this.#fixed?.cancel(sequences);
  }

  close(): void {
    clearTimeout(this.#reconnect);
    this.#disconnect();
  }

  #connect(): void {
    const stub = new omnispan.Worker(addressOf(this.settings.WORKER_ENDPOINT), this.#credentials, {
      "grpc.initial_reconnect_backoff_ms": RECONNECT_MS.first,
      "grpc.max_reconnect_backoff_ms": RECONNECT_MS.most,
      "grpc.use_local_subchannel_pool": 1, // a new connection, not the one that has just proved dead
      "grpc.enable_http_proxy": 0, // a proxy for the web is no way to a worker
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    this.#stub = stub;
    this.#follow(stub);
  }

  /** Opens the connection whenever it is idle, so that the next request finds it open, and a driver on it. */
  #follow(stub: WorkerStub): void {
    const channel = stub.getChannel();
    const look = () => {
      if (this.#stub !== stub) return;
      const state = channel.getConnectivityState(true);
      this.#connectTimeout.update(state);
      if (state === connectivityState.READY) {
        if (!this.#driver) this.#open(stub);
      } else if (this.#driver === this.#fixed) { // a session ends by itself, after its last word
        if (state === connectivityState.TRANSIENT_FAILURE) {
          this.#leave(this.#tlsProblem || `nothing answers at ${this.settings.WORKER_ENDPOINT}`);
        } else if (this.#driver) this.#leave("the connection to the worker was closed");
      }
      channel.watchConnectivityState(state, Infinity, look);
    };
    look();
  }

  /** The channel's state tells of it only the first time. */
  #tlsFailed(why: string): void {
    this.#tlsProblem = `no TLS with ${this.settings.WORKER_ENDPOINT}: ${why}`;
    if (!this.#driver) this.#leave(this.#tlsProblem);
  }

  #open(stub: WorkerStub): void {
    this.#tlsProblem = "";
    this.#driver = new Session(stub, this.settings.WORKER_SILENCE_MS, {
      opened: (identity) => {
        this.#backoffMs = RECONNECT_MS.first;
        this.#tell({ state: "up", detail: "", identity });
      },
      stepped: (step) => this.listener.event({ kind: "step", worker: this.worker, step }),
      unread: (sequences) =>
        this.listener.event({
          kind: "lost",
          worker: this.worker,
          sequences,
          status: "worker_internal_error",
          message: "the worker's answer can't be read",
        }),
      loaded: (load) => {
        const { identity, load: before } = this.#status;
        if (!identity) return;
        if (before && hasWorked(before, load)) this.listener.event({ kind: "progress", worker: this.worker });
        if (load.draining) {
          this.#tell({ state: "draining", detail: "the worker is stopping", identity, load });
        } else this.#tell({ state: "up", detail: "", identity, load });
      },
      ended: ({ unimplemented, message }) => {
        if (unimplemented) this.#openFixed(stub);
        else this.#startAgain(message);
      },
    });
  }

  #openFixed(stub: WorkerStub): void {
    const { listener } = this;
    const fixed = this.#fixed ??= new FixedRpcs(this.worker, stub, (event) => {
      const turnedAway = unavailable(event);
      // Told before what it turned away, so that this waits instead of going there again at once.
      if (turnedAway !== undefined) this.#holdOff(fixed, turnedAway);
      listener.event(event);
    }, (message) => listener.warn(message));
    this.#driver = fixed;
    this.#status = { state: "down", detail: "" }; // what an earlier session said was of another worker
    this.#tell(FIXED);
  }

  /** Sends nothing more to a worker that turns requests away, until it says that it serves. */
  #holdOff(driver: WorkerDriver, detail: string): void {
    if (this.#status.state !== "up") return;
    this.#tell({ state: "draining", detail });
    void this.#untilItServes(driver);
  }

  async #untilItServes(driver: WorkerDriver): Promise<void> {
    using health = new WorkerHealth(addressOf(this.settings.WORKER_ENDPOINT), this.#credentials);
    for (;;) {
      await delay(ASK_AGAIN_MS);
      if (this.#driver !== driver) return;
      const answer = await health.check(HEALTH_TIMEOUT_MS);
      if (this.#driver !== driver) return;
      if (answer.health === "serving" || answer.health === "silent") return this.#tell(FIXED);
    }
  }

  /** Nothing more can be sent; the fixed calls that run end by themselves, and a new connection is on its way. */
  #leave(detail: string): void {
    this.#driver = undefined;
    this.#tell({ state: "down", detail });
  }

  #startAgain(detail: string): void {
    this.#disconnect();
    this.#tell({ state: "down", detail });
    this.listener.event({ kind: "lost", worker: this.worker, status: "worker_unavailable", message: detail });
    this.#reconnect = setTimeout(() => this.#connect(), this.#backoffMs);
    this.#backoffMs = Math.min(2 * this.#backoffMs, RECONNECT_MS.most);
  }

  #disconnect(): void {
    this.#connectTimeout[Symbol.dispose]();
    this.#driver?.close();
    this.#driver = undefined;
    this.#fixed?.close();
    this.#fixed = undefined;
    const stub = this.#stub;
    this.#stub = undefined; // before `look` hears that it closes: to ask a closed channel for its state makes it connect
    stub?.close();
  }

  #tell(status: WorkerStatus): void {
    const { state, detail } = status;
    const changed = !this.#told || state !== this.#status.state;
    const known = status.identity ?? this.#status.identity;
    const news = changed || status.load !== undefined || detail !== this.#status.detail;
    this.#status = known ? { ...status, identity: known } : status;
    this.#told = true;
    const maxRows = status.identity?.maxRows || undefined;
    if (changed || (state === "down" && news)) {
      this.listener.event({
        kind: "worker",
        worker: this.worker,
        state,
        detail,
        ...(maxRows && { maxRows }),
      });
    }
    if (news) this.listener.status(this.#status);
  }
}

/** Between two reports of one session; a worker that does not count its iterations still counts its decode steps. */
function hasWorked(before: WorkerLoad, load: WorkerLoad): boolean {
  return load.iterations > before.iterations || load.steps > before.steps;
}

const FIXED: WorkerStatus = { state: "up", detail: "driven over the fixed RPCs: it has no sessions" };

const NOT_UNICODE = {
  ...failedReply("worker_runtime_error", "the request's texts must be Unicode, got half of a surrogate pair"),
  badRequest: true,
};

/** The members in their order, in groups that fit into a message each. */
function portions(members: readonly DispatchMember[]): DispatchMember[][] {
  const groups: DispatchMember[][] = [];
  let bytes = Infinity;
  for (const member of members) {
    const { promptBytes } = member.submission;
    bytes += promptBytes;
    if (bytes <= MESSAGE_BYTES) groups.at(-1)!.push(member);
    else {
      groups.push([member]);
      bytes = promptBytes;
    }
  }
  return groups;
}

/** Why, when an event tells of a worker that takes no requests. */
function unavailable(event: WorkerEvent): string | undefined {
  if (event.kind === "lost" && event.status === "worker_unavailable") return event.message;
  if (event.kind !== "step") return undefined;
  return event.step.results.find(({ reply }) => reply.status === "worker_unavailable")?.reply.errorMessage;
}
