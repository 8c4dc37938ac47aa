import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MakeCore } from "./engine.ts";
import type { CoreSources } from "./production_core.ts";
import { coreOf } from "./simulate.ts";

/**
 * A change of the core's source: of the one place in `src/core/` where the text stands, whatever its file, its line
 * breaks and its indentation.
 */
interface Bug {
  readonly from: string;
  readonly to: string;
}

/** Mistakes that one could make; each name says what goes wrong. */
const BUGS: Readonly<Record<string, Bug>> = {
  // of settling
  settlement_dropped: {
    from: `this.#effects.push({ kind: "settle", ticket: entry.ticket, outcome });`,
    to:
      `if (this.#settled % 50 !== 0) this.#effects.push({ kind: "settle", ticket: entry.ticket, outcome });`,
  },
  settled_twice: {
    from: `this.#fail(entry, failedReply("worker_timeout",`,
    to:
      `this.#fail({ ...entry }, failedReply("worker_timeout", "")); this.#fail(entry, failedReply("worker_timeout",`,
  },
  matched_by_position: {
    from: `const entry = place.rows.get(sequence); if (!entry && !(`,
    to: `const entry = place.rows.values().next().value; if (!entry && !(`,
  },
  wrong_id_accepted: { from: `if (reply.wireId !== wireId) {`, to: `if (reply.wireId === "") {` },
  deadline_kept_after_the_end: { from: `this.#deadlines.delete(entry.ticket);`, to: `` },
  timeout_kept_after_the_end: { from: `this.#timeouts.delete(run.sequence);`, to: `` },
  entry_kept_after_the_end: { from: `this.#entries.delete(entry.ticket);`, to: `` },
  turned_back_is_final: {
    from: `return this.#lose(place, [result.sequence], reply, "turned_back");`,
    to: ``,
  },
  first_token_from_the_future: { from: `Math.max(dispatchedAt, now - decodeMs)`, to: `now - decodeMs` },

  // of callers who leave
  cancel_ignored: {
    from: `return this.#end(event.ticket, "cancelled", "the caller cancelled");`,
    to: `return;`,
  },
  cancel_ignored_while_it_runs: {
    from: `if (!entry) return; if (isRunning(entry)) this.#cancel(entry);`,
    to:
      `if (!entry || (entry.run && code === "cancelled")) return; if (isRunning(entry)) this.#cancel(entry);`,
  },
  worker_not_told_of_a_cancel: {
    from: `this.#effects.push({ kind: "cancel", worker, sequences: [sequence] }); this.#leaveWorker(entry);`,
    to: `this.#leaveWorker(entry);`,
  },
  another_worker_told_of_a_cancel: {
    from: `this.#effects.push({ kind: "cancel", worker, sequences: [sequence] }); this.#leaveWorker(entry);`,
    to: `this.#effects.push({ kind: "cancel", worker: 0, sequences: [sequence] }); this.#leaveWorker(entry);`,
  },
  sent_after_the_deadline: {
    from: `let due = this.#deadlines.popDue(now); due !== undefined; due = this.#deadlines.popDue(now)`,
    to: `let due = this.#deadlines.popDue(now - 3); due !== undefined; due = this.#deadlines.popDue(now - 3)`,
  },

  // of lost workers
  loss_of_one_takes_the_rows_of_all: {
    from: `case "lost": { const place = this.#workers.at(event.worker);`,
    to: `case "lost": { const place = this.#workers.at(event.worker); if (!event.sequences) ` +
      `for (const other of this.#workers.all) if (other !== place) this.#lose(other, [...other.rows.keys()], ` +
      `failedReply(event.status, event.message), "worker_gone");`,
  },
  rows_of_a_lost_worker_forgotten: {
    from: `event.sequences ?? [...place.rows.keys()], reply, loss);`,
    to: `event.sequences ?? [...place.rows.keys()].slice(1), reply, loss);`,
  },
  sent_again_after_tokens: {
    from: `if (run?.firstTokenAt !== undefined || !UNANSWERED`,
    to: `if (!UNANSWERED`,
  },
  sent_too_often: { from: `return tries < this.maxAttempts;`, to: `return tries <= this.maxAttempts;` },
  never_sent_again_after_a_shared_loss: {
    from: `return wasAlone ? attempts < this.maxAttempts : this.maxAttempts > 1;`,
    to: `return wasAlone ? attempts < this.maxAttempts : false;`,
  },
  sent_again_out_of_order: { from: `else if (entry.attempts > 0) this.#order.putBack(entry);`, to: `` },
  resend_counts_as_lateness: {
    from: `this.#releasedAt = now; this.enqueue(entry);`,
    to: `this.enqueue(entry);`,
  },
  lost_entry_of_another_worker_taken_out: {
    from: `for (const { lostSingly } of this.workers.all) lostSingly.delete(entry);`,
    to: ``,
  },

  // of suspects
  suspects_not_halved: { from: `mayRunAmong) / 2);`, to: `mayRunAmong));` },
  one_too_many_beside_a_suspect: {
    from: `if (place.running + free >= most) break;`,
    to: `if (place.running + free > most) break;`,
  },
  others_sent_beside_few_suspects: {
    from: `if (this.#open.size === 0) return undefined;`,
    to: `if (this.#open.size < 3) return undefined;`,
  },
  suspects_sent_beside_a_stream: { from: `if (suspected < place.running) return 0;`, to: `` },
  suspects_spread_over_workers: {
    from: `for (const { run } of this.#open) if (run) return this.workers.at(run.worker);`,
    to: ``,
  },
  others_wait_for_suspects_everywhere: {
    from: `: [this.#order, Infinity];`,
    to: `: [this.#order, aside ? 0 : Infinity];`,
  },
  suspects_go_last: {
    from: `if (entry.mayRunAmong !== undefined) this.suspects.putBack(entry);`,
    to: `if (entry.mayRunAmong !== undefined) this.suspects.push(entry);`,
  },
  suspect_kept_after_the_end: {
    from: `if (!this.#open.delete(entry)) return false;`,
    to: `if (!this.#open.has(entry)) return false;`,
  },
  shared_loss_costs_a_try: { from: `if (!entry.wasAlone) entry.tries--;`, to: `` },
  lone_loss_costs_no_try: {
    from: `return wasAlone ? attempts < this.maxAttempts : this.maxAttempts > 1;`,
    to: `return this.maxAttempts > 1;`,
  },
  neighbour_forgotten: {
    from: `if (place.lastSent && running > 0) place.lastSent.wasAlone = false;`,
    to: ``,
  },
  guilt_not_told: { from: `if (!wasAlone || loss !== "worker_gone") return`, to: `return` },
  broken_calls_make_no_suspects: {
    from: `const waiting = [...place.lostSingly];`,
    to: `const waiting: Entry[] = [];`,
  },
  place_beside_suspects_taken_for_late: {
    from: `if (this.#suspects.acquit(entry)) this.#freePlaces();`,
    to: `this.#suspects.acquit(entry);`,
  },

  // of routing
  routed_to_the_fullest: {
    from: `view.running < best.running ? view : best`,
    to: `view.running > best.running ? view : best`,
  },
  routed_to_the_first: { from: `view.running < best.running ? view : best`, to: `best` },
  second_worker_never_used: {
    from: `if (!place.isUp) continue;`,
    to: `if (!place.isUp || place.worker > 0) continue;`,
  },
  place_looked_for_at_another_worker: {
    from: `this.#decide(from, Math.min(from.length, most), place, now);`,
    to: `this.#decide(from, Math.min(from.length, most), places[0]!, now);`,
  },
  burst_for_one_worker: { from: `if (!decision.isDivisible) return departure;`, to: `return departure;` },
  rows_of_another_worker: { from: `workerRows: place.maxRows,`, to: `workerRows: 8,` },
  worker_speaks_for_another: {
    from: `const entry = place.rows.get(sequence); if (!entry && !(`,
    to:
      `const entry = this.#workers.all.find(({ rows }) => rows.has(sequence))?.rows.get(sequence); if (!entry && !(`,
  },
  progress_of_one_counts_for_all: {
    from: `this.#workers.at(event.worker).progressAt = this.#now;`,
    to: `for (const place of this.#workers.all) place.progressAt = this.#now;`,
  },

  // of admission
  place_in_the_queue_not_returned: { from: `this.#requests--;`, to: `` },
  bytes_not_returned: { from: `this.#bytes -= promptBytes;`, to: `` },
  queue_one_too_long: { from: `this.#requests >= queueCapacity ||`, to: `this.#requests > queueCapacity ||` },
  bytes_one_too_many: {
    from: `this.#bytes + promptBytes > queueBytes`,
    to: `this.#bytes + promptBytes > queueBytes + 1`,
  },
  hint_by_answers_that_nobody_waited_for: {
    from: `if (this.#rows === undefined) return; this.#advance`,
    to: `this.#advance`,
  },
  hint_by_the_rows_of_the_moment: {
    from: `/ this.#answers / this.#meanRows()`,
    to: `/ this.#answers / (this.#rows ?? 1)`,
  },
  hint_by_the_last_answer_alone: {
    from: `this.#serviceMs = this.#serviceMs * kept + serviceMs;`,
    to: `this.#serviceMs = this.#answers * serviceMs;`,
  },
  hint_counts_the_time_in_a_window: {
    from: `this.admission.update(noPlace ? this.#runningAt(places) : undefined, now);`,
    to: `this.admission.update(!this.isEmpty ? this.#runningAt(places) : undefined, now);`,
  },
  hint_counts_the_time_while_nobody_waits: {
    from: `this.admission.update(noPlace ? this.#runningAt(places) : undefined, now);`,
    to: `this.admission.update(this.#runningAt(places) || undefined, now);`,
  },
  hint_counts_the_workers_absence: {
    from: `this.#isHeldBack = !this.isEmpty; this.admission.update(undefined, now);`,
    to: `this.#isHeldBack = !this.isEmpty; this.admission.update(this.isEmpty ? undefined : 1, now);`,
  },
  hint_until_the_queue_is_empty: { from: `waitMs / 2`, to: `waitMs` },
  hint_by_rows_that_were_given_up: {
    from: `this.#timeouts.delete(run.sequence);`,
    to: `this.#timeouts.delete(run.sequence); ` +
      `this.#laneOf(entry.mode).admission.answered(this.#now - run.dispatchedAt, failedReply("worker_timeout", ""), this.#now);`,
  },

  // of policies and lanes
  gate_one_too_wide: {
    from: `oldestIsStream: oldest.submission.stream, running,`,
    to: `oldestIsStream: oldest.submission.stream, running: Math.max(0, running - 1),`,
  },
  streams_one_too_many: {
    from: `streams.decide({ ...view, running: runningStreams }, now)`,
    to: `streams.decide({ ...view, running: Math.max(0, runningStreams - 1) }, now)`,
  },
  place_of_a_stream_kept: {
    from: `if (submission.stream) share.runningStreams--;`,
    to: `if (submission.stream && run.tokens > 0) share.runningStreams--;`,
  },
  stream_takes_the_place_of_the_others: {
    from: `oldestIsStream: oldest.submission.stream,`,
    to: `oldestIsStream: false,`,
  },
  kind_of_the_newest_decides: {
    from: `oldestIsStream: oldest.submission.stream,`,
    to: `oldestIsStream: [...from].at(-1)!.submission.stream,`,
  },
  workers_rows_ignored: { from: `workerRows: place.maxRows,`, to: `workerRows: undefined,` },
  group_never_comes_back: {
    from: `if (--run.group.left === 0) share.groups--;`,
    to: `if (--run.group.left === 0 && run.group.dispatch.id % 10 !== 0) share.groups--;`,
  },
  group_comes_back_early: {
    from: `if (--run.group.left === 0) share.groups--;`,
    to: `if (run.group.left-- === run.group.dispatch.tickets.length) share.groups--;`,
  },
  window_from_the_last_arrival: {
    from: `oldestReceivedAt: oldest.submission.receivedAt,`,
    to: `oldestReceivedAt: [...from].at(-1)!.submission.receivedAt,`,
  },
  hint_ignored: {
    from: `const lane = this.#laneOf(submission.mode ?? this.options.mode);`,
    to: `const lane = [...this.#lanes.values()][0]!;`,
  },
  lane_with_the_policy_of_another: {
    from: `new Lane(mode, policyOf(mode), order, limits);`,
    to: `new Lane(mode, policyOf(this.options.mode), order, limits);`,
  },
  lane_made_for_each_hint: {
    from: `if (known) return known; const { policyOf`,
    to: `if (known && !this.#effects.length) return known; const { policyOf`,
  },
  waiting_lane_holds_up_the_others: {
    from: `for (const lane of this.#lanes.values()) this.#letGo(lane);`,
    to: `for (const lane of this.#lanes.values()) { this.#letGo(lane); if (!lane.isEmpty) break; }`,
  },
  group_counted_on_another_lane: {
    from: `place.enter(lane.mode, leaving`,
    to: `place.enter([...this.#lanes.values()][0]!.mode, leaving`,
  },
  place_given_back_to_another_lane: {
    from: `const share = this.shareOf(mode); this.rows.delete(run.sequence);`,
    to: `const share = this.shareOf("direct"); this.rows.delete(run.sequence);`,
  },
  sent_again_in_another_lane: {
    from: `this.#laneOf(entry.mode).putBack(entry, this.#now);`,
    to: `[...this.#lanes.values()][0]!.putBack(entry, this.#now);`,
  },
  capacity_counted_over_all_lanes: {
    from: `const refusal = lane.admission.refusal(submission, this.#now);`,
    to: `const full = this.stats().queueDepth >= this.options.limits.queueCapacity; ` +
      `const refusal: Outcome | undefined = full ` +
      `? { kind: "refused", code: "resource_exhausted", message: "full", retryAfterMs: 1000 } ` +
      `: lane.admission.refusal(submission, this.#now);`,
  },
  capacity_of_another_lane: {
    from: `lane.admission.refusal(submission, this.#now)`,
    to: `[...this.#lanes.values()][0]!.admission.refusal(submission, this.#now)`,
  },
  answers_counted_for_another_lane: {
    from: `this.#laneOf(mode).admission.answered(`,
    to: `[...this.#lanes.values()][0]!.admission.answered(`,
  },
  answers_counted_for_all_lanes: {
    from: `this.#laneOf(mode).admission.answered(`,
    to: `for (const { admission } of this.#lanes.values()) admission.answered(`,
  },
  place_and_bytes_returned_to_another_lane: {
    from: `lane.remove(entry); const hasWaitedForPlace`,
    to: `lane.remove(entry); lane.admission.entered(entry.submission); ` +
      `[...this.#lanes.values()][0]!.admission.left(entry.submission); const hasWaitedForPlace`,
  },
  dispatch_told_with_the_engines_mode: {
    from: `mode: lane.mode, reason`,
    to: `mode: [...this.#lanes.values()][0]!.mode, reason`,
  },
  dispatch_told_without_a_member: {
    from: `tickets: leaving.map(({ ticket }) => ticket),`,
    to: `tickets: leaving.map(({ ticket }) => ticket).slice(0, 3),`,
  },

  // of time
  policy_wake_up_lost: { from: `time = earliest(time, wakeAt);`, to: `earliest(time, wakeAt);` },
  wake_up_of_one_lane_only: {
    from: `for (const { wakeAt, isEmpty } of this.#lanes.values()) {`,
    to: `for (const { wakeAt, isEmpty } of this.#lanes.slice(0, 1)) {`,
  },
  wake_up_of_the_last_worker_only: {
    from: `wakeAt = earliest(wakeAt, decision.until);`,
    to: `wakeAt = place.worker === 0 ? undefined : decision.until;`,
  },
  deadline_wake_up_lost: {
    from: `earliest(this.#deadlines.next(), this.#timeouts.next())`,
    to: `this.#timeouts.next()`,
  },
  timeout_wake_up_lost: {
    from: `earliest(this.#deadlines.next(), this.#timeouts.next())`,
    to: `this.#deadlines.next()`,
  },
  give_up_wake_up_lost: { from: `if (waits) time = earliest(time, this.#workers.giveUpAt);`, to: `` },
  wake_up_taken_for_asked: {
    from: `case "wake": this.#wakeAt = undefined; return;`,
    to: `case "wake": return;`,
  },
  tokens_no_sign_of_life: { from: `run.progressAt = this.#now; run.tokens`, to: `run.tokens` },
  progress_no_sign_of_life: { from: `this.#workers.at(event.worker).progressAt = this.#now;`, to: `` },
  tokens_of_others_no_sign_of_life: { from: `place.progressAt = this.#now;`, to: `` },
  row_kept_for_ever_beside_others: {
    from: `Math.min(place.progressAt + workerTimeoutMs, rowDueAt)`,
    to: `place.progressAt + workerTimeoutMs`,
  },
  row_given_up_only_beside_others: {
    from: `Math.min(place.progressAt + workerTimeoutMs, rowDueAt)`,
    to: `rowDueAt`,
  },
  call_ends_with_the_workers_patience: {
    from: `return Math.min(longest, this.options.limits.rowTimeoutMs);`,
    to: `return Math.min(longest, this.options.limits.workerTimeoutMs);`,
  },
  time_steps_back: { from: `this.#now = Math.max(this.#now, now);`, to: `this.#now = now;` },
  clock_of_another_thread_ignored: {
    from: `if (event.kind === "arrive") this.#now = Math.max(this.#now, event.submission.receivedAt);`,
    to: ``,
  },
  sent_to_a_draining_worker: {
    from: `return this.state === "up";`,
    to: `return this.state === "up" || this.state === "draining";`,
  },
  worker_given_up_at_once: {
    from: `else place.giveUpAt ??= now + this.waitMs; place.state`,
    to: `else place.giveUpAt ??= now; place.state`,
  },
  worker_waited_for_anew: {
    from: `else place.giveUpAt ??= now + this.waitMs; place.state`,
    to: `else place.giveUpAt = now + this.waitMs; place.state`,
  },
  given_up_with_the_first_worker: {
    from: `last = Math.max(last, isUp ? Infinity : giveUpAt);`,
    to: `last = last === -Infinity ? (isUp ? Infinity : giveUpAt) : last;`,
  },
  one_lane_gives_up_alone: {
    from: `if (workers.isGivenUp(this.#now)) this.#failWaiting(lane);`,
    to: `if (lane === this.#lanes[0] && workers.isGivenUp(this.#now)) this.#failWaiting(lane);`,
  },
  one_lane_hears_of_the_worker: {
    from: `for (const lane of this.#lanes.values()) lane.placeFreed(this.#now);`,
    to: `[...this.#lanes.values()][0]!.placeFreed(this.#now);`,
  },
  one_lane_is_held_back: {
    from: `this.#failWaiting(lane); return lane.holdBack(this.#now);`,
    to: `this.#failWaiting(lane); return [...this.#lanes.values()][0]!.holdBack(this.#now);`,
  },

  // of streams and containers
  gap_in_a_stream_ignored: { from: `if (tokenIndex !== run.tokens ||`, to: `if (tokenIndex < run.tokens ||` },
  repeated_token_passed_on: {
    from: `if (tokenIndex !== run.tokens ||`,
    to: `if (tokenIndex > run.tokens ||`,
  },
  missing_last_tokens_ignored: { from: `&& streamed !== tokens) {`, to: `&& streamed < tokens) {` },
  deadline_heap_upside_down: { from: `a.at - b.at`, to: `b.at - a.at` },
  queue_forgets_its_end: { from: `else this.#last = item.previous;`, to: `` },
};

export const BUG_NAMES: readonly string[] = Object.keys(BUGS);

const CORE = fileURLToPath(new URL("../../src/core", import.meta.url));

/** The production core with one bug: a copy of its sources, changed in one place. */
export async function buggyCore(name: string): Promise<MakeCore> {
  const bug = BUGS[name];
  if (!bug) throw new Error(`no planted bug is called ${name}; there are ${BUG_NAMES.join(", ")}`);
  const folder = await Deno.makeTempDir({ prefix: "omnispan-bug-" });
  try {
    let places = 0;
    for await (const path of sources("")) {
      const source = await Deno.readTextFile(join(CORE, path));
      const [changed, found] = plant(bug, source);
      places += found;
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, path), changed);
    }
    if (places !== 1) {
      throw new Error(`the planted bug ${name} must fit in one place, it fits in ${places}: ${bug.from}`);
    }
    const { SchedulerCore } = await import(`file://${join(folder, "core.ts")}`) as CoreSources;
    const { modeOf } = await import(`file://${join(folder, "modes/modes.ts")}`) as CoreSources;
    return (scenario) => coreOf(scenario, { SchedulerCore, modeOf });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(CORE, folder))) {
    const path = join(folder, name);
    if (isDirectory) yield* sources(path);
    else if (!name.endsWith("_test.ts")) yield path;
  }
}

/** The source with the bug, and in how many places it fits. */
function plant({ from, to }: Bug, source: string): [changed: string, places: number] {
  const words = from.trim().split(/\s+/).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(words.join("\\s+"), "g");
  return [source.replace(pattern, () => to), source.match(pattern)?.length ?? 0];
}
