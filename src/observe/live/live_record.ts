import { SETTING_NAMES, type Settings } from "../../config/config.ts";
import type { ModeLaw } from "../../core/modes/mode.ts";
import { modeOf, MODES, type ModeSettings } from "../../core/modes/modes.ts";
import type { Dispatch, Millis, Mode, Supervision, ThreadStats, WorkerStatus } from "../../core/types.ts";
import {
  HISTORY_SECONDS,
  type LiveBatch,
  type LiveHello,
  type LiveMode,
  type LivePoint,
  type LiveRequest,
  type LiveTick,
  type LiveWorker,
} from "../../live/feed.ts";
import type { Counts } from "../metrics/counts.ts";
import { judgeHealth } from "./health.ts";
import { LastMinute } from "./last_minute.ts";
import { latenciesOf } from "./latencies.ts";
import { hundredths, LiveBatches } from "./live_batches.ts";
import type { EndStatus, Observer, OpenRequest, RequestEnd } from "../observer.ts";
import { SlidingPercentiles } from "./sliding_percentiles.ts";
import { judgeWindow } from "./window_verdict.ts";

export interface LiveFeedOptions {
  readonly settings: Settings;
  readonly startedAt: Millis;
  /** `Metrics.counts`: totals are the same figures as in `/metrics`. */
  readonly counts: Counts;
  readonly worker: () => WorkerStatus;
  readonly supervision: Supervision;
  /** `Metrics.stats` */
  readonly stats: () => Promise<ThreadStats>;
  /** Oldest first. */
  readonly openRequests: () => Iterable<OpenRequest>;
  /** The engine takes no more requests. */
  readonly stopping: () => boolean;
}

/** The most requests that a tick has. */
const MOST_REQUESTS = 100;
const PERCENTILE_SECONDS = 30;
/** The scheduler does not answer when it is silent for so long; a busy machine can delay it by one or two. */
const SILENT_SECONDS = 3;

/** Ends that have their cause in the caller, not in the engine. */
const CALLERS_OWN: ReadonlySet<EndStatus> = new Set([
  "ok",
  "invalid_argument",
  "unauthenticated",
  "permission_denied",
  "not_found",
  "too_large",
  "too_slow",
  "cancelled",
]);

/** The figures of the live feed. It has no clock and no timer: its owner calls `closeSecond`. */
export class LiveRecord implements Observer {
  readonly #minute = new LastMinute();
  /** What the modes that gather batches promise, with the settings in force. */
  readonly #windows: ReadonlyMap<Mode, ModeLaw>;
  readonly #batches: LiveBatches;
  readonly #ttft = new SlidingPercentiles(PERCENTILE_SECONDS);
  readonly #tpot = new SlidingPercentiles(PERCENTILE_SECONDS);
  readonly #e2e = new SlidingPercentiles(PERCENTILE_SECONDS);
  readonly #history: LivePoint[] = [];
  #trouble = "";
  #tokens = 0;
  #queueDepth = 0;
  #fullestQueue = 0;
  #inFlight = 0;
  #silentSeconds = 0;

  constructor(private readonly options: LiveFeedOptions) {
    const windowed = MODES.map(modeOf).filter(({ isWindowed }) => isWindowed);
    this.#windows = new Map(windowed.map((mode) => [mode.name, mode.law(options.settings)]));
    this.#batches = new LiveBatches((mode) => this.#windows.get(mode)?.maxGroup ?? 0);
  }

  accepted(_request: OpenRequest): void {
    this.#minute.present.arrived++;
  }

  dispatched(notice: Dispatch, members: readonly OpenRequest[]): void {
    const { present } = this.#minute;
    const size = notice.tickets.length;
    present.batches++;
    present.batchedRequests += size;
    this.#batches.left(notice, members);
    const window = this.#windows.get(notice.mode);
    if (!window) return;
    present.windowBatches++;
    present.windowRequests += size;
    if (size >= window.fullAt) present.fullBatches++;
    const [first] = members;
    if (first && leftAlone(window, notice, first.submission.receivedAt)) present.aloneBatches++;
  }

  ended(end: RequestEnd): void {
    const { present } = this.#minute;
    const { status, request, answer, endedAt } = end;
    present.ended++;
    if (request) this.#batches.ended(request.ticket, endedAt);
    else present.arrived++;
    if (answer && status === "ok") return this.#answered(end, answer);
    present.failed++;
    if (!isTrouble(end)) return;
    present.troubled++;
    this.#trouble = status;
  }

  /** A second is over; `stats` is the scheduler's word at its end, undefined when it gave none. */
  closeSecond(now: Millis, stats: ThreadStats | undefined): void {
    this.#silentSeconds = stats ? 0 : this.#silentSeconds + 1;
    this.#queueDepth = stats?.queueDepth ?? this.#queueDepth;
    this.#fullestQueue = stats?.fullestQueue ?? this.#fullestQueue;
    this.#inFlight = stats?.inFlight ?? this.#inFlight;
    this.#history.push(this.#point(now));
    if (this.#history.length > HISTORY_SECONDS) this.#history.shift();
    this.#minute.advance();
    for (const percentiles of [this.#ttft, this.#tpot, this.#e2e]) percentiles.advance();
  }

  /** A tick, with the batches that are new since the last one. */
  tick(now: Millis): LiveTick {
    return this.#tick(now, this.#batches.takeNews());
  }

  /** Drops the new batches, as while there are no readers: the next hello has them. */
  forgetNews(): void {
    this.#batches.takeNews();
  }

  hello(now: Millis): LiveHello {
    const { settings, startedAt } = this.options;
    return {
      startedAt,
      now,
      settings: shownSettings(settings),
      mode: settings.ENGINE_MODE,
      modes: liveModes(settings),
      modeHints: settings.MODE_HINTS,
      history: [...this.#history],
      batches: this.#batches.recent(),
      tick: this.#tick(now, []),
    };
  }

  #answered(
    { receivedAt, endedAt, mode, dispatch }: RequestEnd,
    answer: NonNullable<RequestEnd["answer"]>,
  ): void {
    this.#e2e.add(endedAt - receivedAt);
    const latencies = latenciesOf(receivedAt, answer);
    if (!latencies) return;
    this.#ttft.add(latencies.ttftMs);
    if (latencies.tpotMs !== undefined) this.#tpot.add(latencies.tpotMs);
    const { phases } = answer;
    const window = this.#windows.get(mode);
    if (!window || !dispatch) return;
    const { present } = this.#minute;
    const waitedMs = phases.dispatchedAt - phases.placeAt;
    present.waiters++;
    present.waitedMs += waitedMs;
    present.firstTokenMs += latencies.ttftMs;
    if (!leftAlone(window, dispatch, receivedAt)) return;
    present.aloneWaiters++;
    present.aloneWaitedMs += waitedMs;
  }

  #point(now: Millis): LivePoint {
    const { arrived, ended, failed, batches, batchedRequests } = this.#minute.present;
    const { state, load } = this.options.worker();
    return {
      at: now,
      arrived,
      ended,
      failed,
      outputTokens: this.#newTokens(),
      queueDepth: this.#queueDepth,
      inFlight: this.#inFlight,
      batches,
      batchedRequests,
      ttft: this.#ttft.read(),
      tpot: this.#tpot.read(),
      e2e: this.#e2e.read(),
      workerState: state,
      kvUsage: load?.kvUsage ?? 0,
    };
  }

  /** Output tokens since the last call: a stream's as they come, those of an answer in one piece at its end. */
  #newTokens(): number {
    let tokens = this.options.counts.totals().outputTokens;
    for (const request of this.options.openRequests()) tokens += request.tokens;
    const more = Math.max(0, tokens - this.#tokens);
    this.#tokens = tokens;
    return more;
  }

  #tick(now: Millis, batches: readonly LiveBatch[]): LiveTick {
    const { settings, counts, openRequests } = this.options;
    return {
      now,
      point: this.#history.at(-1) ?? this.#point(now),
      batches,
      requests: liveRequests(openRequests(), now),
      totals: counts.totals(),
      worker: this.#worker(),
      health: this.#health(),
      window: judgeWindow(
        Math.max(0, ...this.#windows.values().map(({ windowMs }) => windowMs)),
        this.#windows.has(settings.ENGINE_MODE),
        this.#minute.sum(),
      ),
    };
  }

  #worker(): LiveWorker {
    const { worker, supervision } = this.options;
    const { state, detail, identity, load } = worker();
    return {
      state,
      detail: [detail, supervision.problem].filter(Boolean).join("; "),
      backend: identity?.backend ?? "",
      model: identity?.model ?? "",
      simulated: identity?.simulated ?? false,
      maxRows: identity?.maxRows ?? 0,
      running: load?.running ?? 0,
      waiting: load?.waiting ?? 0,
      kvUsage: load?.kvUsage ?? 0,
      restarts: supervision.restarts,
    };
  }

  #health() {
    const { worker, supervision, settings } = this.options;
    const { state, detail } = worker();
    const { ended, troubled } = this.#minute.sum(PERCENTILE_SECONDS);
    return judgeHealth({
      stopping: this.options.stopping(),
      workerState: state,
      workerDetail: detail,
      problem: supervision.problem,
      schedulerAnswers: this.#silentSeconds < SILENT_SECONDS,
      queueDepth: this.#queueDepth,
      fullestQueue: this.#fullestQueue,
      queueCapacity: settings.QUEUE_CAPACITY,
      ended,
      troubled,
      trouble: this.#trouble,
    });
  }
}

/** All modes, with the settings in force. */
export function liveModes(settings: ModeSettings): LiveMode[] {
  return MODES.map(modeOf).map(({ name, summary, shape, reasons, isWindowed }) => ({
    name,
    summary,
    shape: shape(settings),
    reasons,
    isWindowed,
  }));
}

/** One request waited the whole window for others, and none came. */
function leftAlone({ fullAt, windowMs }: ModeLaw, { at, tickets }: Dispatch, receivedAt: Millis): boolean {
  return tickets.length === 1 && fullAt > 1 && at - receivedAt >= windowMs;
}

/** The first of these requests, as readers of the feed get them. */
function liveRequests(open: Iterable<OpenRequest>, now: Millis): LiveRequest[] {
  const requests: LiveRequest[] = [];
  for (const request of open) {
    if (requests.push(liveRequest(request, now)) === MOST_REQUESTS) break;
  }
  return requests;
}

function liveRequest(request: OpenRequest, now: Millis): LiveRequest {
  const { transport, mode, submission, dispatch, tokens } = request;
  const { requestId, tenantId, stream, receivedAt, maxTokens } = submission;
  return {
    requestId,
    tenantId,
    door: transport,
    mode,
    stream,
    phase: phaseOf(request),
    ageMs: hundredths(Math.max(0, now - receivedAt)),
    waitedMs: hundredths(Math.max(0, (dispatch?.at ?? now) - receivedAt)),
    maxTokens,
    tokens,
  };
}

function phaseOf({ dispatch, submission, firstTokenAt }: OpenRequest): LiveRequest["phase"] {
  if (!dispatch) return "queued";
  if (!submission.stream) return "running";
  return firstTokenAt === undefined ? "prefill" : "decode";
}

/** A request that its caller's own limit turned away (before the scheduler had it) is no trouble of the engine's. */
function isTrouble({ status, request }: RequestEnd): boolean {
  if (CALLERS_OWN.has(status)) return false;
  return status !== "resource_exhausted" || request !== undefined;
}

/** The settings without the paths of keys and certificates, of which readers see only whether they are given. */
function shownSettings(settings: Settings): LiveHello["settings"] {
  return Object.fromEntries(SETTING_NAMES.map((name) => {
    const secret = /^API_KEYS_FILE$|(^|_)TLS_/.test(name);
    return [name, secret ? (settings[name] ? "given" : "none") : settings[name]];
  }));
}
