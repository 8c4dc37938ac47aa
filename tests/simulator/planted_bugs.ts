import { choosePolicy } from "../../src/scheduler/choose_policy.ts";
import type { SchedulerCore } from "../../src/core/core.ts";
import type { MakeCore } from "./engine.ts";

/** A change of a source of the scheduler; the text to change must be there exactly once. */
interface Bug {
  /** @default "core.ts" */
  readonly file?:
    | "admission.ts"
    | "checked_reply.ts"
    | "core.ts"
    | "deadlines.ts"
    | "drain_rate.ts"
    | "lane.ts"
    | "losses.ts"
    | "queue.ts"
    | "worker_watch.ts"
    | "phases.ts";
  readonly from: string;
  readonly to: string;
}

/** Mistakes that one could make; each name says what goes wrong. */
const BUGS: Readonly<Record<string, Bug>> = {
  settlement_dropped: {
    from: `effects.push({ kind: "settle", ticket: entry.ticket, outcome });`,
    to: `if (this.#settled % 50 !== 0) effects.push({ kind: "settle", ticket: entry.ticket, outcome });`,
  },
  settled_twice: {
    from: `effects.push({ kind: "cancel", sequences: [sequence] });\n    this.#answer(`,
    to:
      `effects.push({ kind: "cancel", sequences: [sequence] });\n    this.#answer({ ...entry }, failedReply(` +
      `"worker_timeout", message), effects);\n    this.#answer(`,
  },
  matched_by_position: {
    from: `const entry = this.#running.get(sequence);\n    if (!entry && !(`,
    to: `const entry = this.#running.values().next().value;\n    if (!entry && !(`,
  },
  wrong_id_accepted: {
    file: "checked_reply.ts",
    from: `if (reply.wireId !== wireId) {`,
    to: `if (reply.wireId === "") {`,
  },
  cancel_ignored: {
    from: `return this.#end(event.ticket, "cancelled", "the caller cancelled", effects);`,
    to: `return;`,
  },
  cancel_ignored_while_it_runs: {
    from: `    if (!entry) return;\n    if (entry.run) {`,
    to: `    if (!entry || (entry.run && code === "cancelled")) return;\n    if (entry.run) {`,
  },
  worker_not_told_of_a_cancel: {
    from: `effects.push({ kind: "cancel", sequences: [entry.run.sequence] });`,
    to: ``,
  },
  sent_after_the_deadline: {
    from: `let due = this.#deadlines.popDue(now); due !== undefined; due = this.#deadlines.popDue(now)`,
    to: `let due = this.#deadlines.popDue(now - 3); due !== undefined; due = this.#deadlines.popDue(now - 3)`,
  },
  sent_again_after_tokens: {
    file: "losses.ts",
    from: `if (run?.firstTokenAt !== undefined || !UNANSWERED`,
    to: `if (!UNANSWERED`,
  },
  sent_too_often: {
    file: "losses.ts",
    from: `return tries < this.maxAttempts;`,
    to: `return tries <= this.maxAttempts;`,
  },
  never_sent_again_after_a_shared_loss: {
    file: "losses.ts",
    from: `return alone ? attempts < this.maxAttempts : this.maxAttempts > 1;`,
    to: `return alone ? attempts < this.maxAttempts : false;`,
  },
  sent_again_out_of_order: {
    file: "lane.ts",
    from: `if (entry.attempts > 0) this.#queue.insert(entry, (other) => precedes(entry, other));\n    else `,
    to: ``,
  },
  suspects_not_halved: { file: "losses.ts", from: `mayRunAmong) / 2);`, to: `mayRunAmong));` },
  one_too_many_beside_a_suspect: {
    file: "losses.ts",
    from: `if (running + free >= most) break;`,
    to: `if (running + free > most) break;`,
  },
  others_sent_beside_few_suspects: {
    file: "losses.ts",
    from: `if (this.#suspects.size === 0) return Infinity;`,
    to: `if (this.#suspects.size < 3) return Infinity;`,
  },
  suspects_sent_beside_a_stream: {
    file: "losses.ts",
    from: `if (suspected < running) return 0;`,
    to: ``,
  },
  suspects_go_last: {
    file: "lane.ts",
    from: `if (suspected !== (other.mayRunAmong !== undefined)) return suspected;`,
    to: `if (suspected !== (other.mayRunAmong !== undefined)) return !suspected;`,
  },
  suspect_kept_after_the_end: {
    file: "losses.ts",
    from: `return this.#suspects.delete(entry);`,
    to: `return this.#suspects.has(entry);`,
  },
  shared_loss_costs_a_try: { file: "losses.ts", from: `if (!entry.alone) entry.tries--;`, to: `` },
  lone_loss_costs_no_try: {
    file: "losses.ts",
    from: `return alone ? attempts < this.maxAttempts : this.maxAttempts > 1;`,
    to: `return this.maxAttempts > 1;`,
  },
  neighbour_forgotten: {
    file: "losses.ts",
    from: `if (this.#lastSent && running > 0) this.#lastSent.alone = false;`,
    to: ``,
  },
  guilt_not_told: {
    file: "losses.ts",
    from: `if (!alone || loss !== "worker_gone") return`,
    to: `return`,
  },
  broken_calls_make_no_suspects: {
    file: "losses.ts",
    from: `const waiting = [...this.#lostSingly];`,
    to: `const waiting: Entry[] = [];`,
  },
  place_beside_suspects_taken_for_late: {
    from: `if (this.#losses.forget(entry)) this.#placesFreed();`,
    to: `this.#losses.forget(entry);`,
  },
  place_in_the_queue_not_returned: { file: "admission.ts", from: `    this.#requests--;\n`, to: `` },
  bytes_not_returned: { file: "admission.ts", from: `    this.#bytes -= promptBytes;\n`, to: `` },
  queue_one_too_long: {
    file: "admission.ts",
    from: `this.#requests >= queueCapacity ||`,
    to: `this.#requests > queueCapacity ||`,
  },
  bytes_one_too_many: {
    file: "admission.ts",
    from: `this.#bytes + promptBytes > queueBytes`,
    to: `this.#bytes + promptBytes > queueBytes + 1`,
  },
  gate_one_too_wide: {
    file: "lane.ts",
    from: `running: this.#running,`,
    to: `running: Math.max(0, this.#running - 1),`,
  },
  streams_one_too_many: {
    file: "lane.ts",
    from: `runningStreams: this.#runningStreams,`,
    to: `runningStreams: Math.max(0, this.#runningStreams - 1),`,
  },
  place_of_a_stream_kept: {
    file: "lane.ts",
    from: `if (submission.stream) this.#runningStreams--;`,
    to: `if (submission.stream && this.#heldBack) this.#runningStreams--;`,
  },
  stream_takes_the_place_of_the_others: {
    file: "lane.ts",
    from: `oldestIsStream: oldest.submission.stream,`,
    to: `oldestIsStream: false,`,
  },
  kind_of_the_newest_decides: {
    file: "lane.ts",
    from: `oldestIsStream: oldest.submission.stream,`,
    to:
      `get oldestIsStream() { let last = oldest; while (last.next) last = last.next; return last.submission.stream; },`,
  },
  workers_rows_ignored: {
    file: "lane.ts",
    from: `        workerRows,\n`,
    to: `        workerRows: undefined,\n`,
  },
  group_never_comes_back: {
    file: "lane.ts",
    from: `if (--group.left === 0) this.#groupsInFlight--;`,
    to: `if (--group.left === 0 && group.notice.id % 10 !== 0) this.#groupsInFlight--;`,
  },
  group_comes_back_early: {
    file: "lane.ts",
    from: `if (--group.left === 0) this.#groupsInFlight--;`,
    to: `if (group.left-- === group.notice.tickets.length) this.#groupsInFlight--;`,
  },
  window_from_the_last_arrival: {
    file: "lane.ts",
    from: `oldestReceivedAt: oldest.submission.receivedAt,`,
    to:
      `get oldestReceivedAt() { let last = oldest; while (last.next) last = last.next; return last.submission.receivedAt; },`,
  },
  policy_wake_up_lost: { from: `time = earliest(time, wakeAt);`, to: `earliest(time, wakeAt);` },
  deadline_wake_up_lost: {
    from: `earliest(this.#deadlines.next(), this.#timeouts.next())`,
    to: `this.#timeouts.next()`,
  },
  timeout_wake_up_lost: {
    from: `earliest(this.#deadlines.next(), this.#timeouts.next())`,
    to: `this.#deadlines.next()`,
  },
  give_up_wake_up_lost: {
    from: `if (waits) time = earliest(time, this.#worker.giveUpAt);`,
    to: ``,
  },
  wake_up_taken_for_asked: {
    from: `        this.#wakeAt = undefined;\n        return;`,
    to: `        return;`,
  },
  deadline_kept_after_the_end: { from: `this.#deadlines.delete(entry.ticket);`, to: `` },
  timeout_kept_after_the_end: { from: `this.#timeouts.delete(run.sequence);`, to: `` },
  entry_kept_after_the_end: { from: `this.#entries.delete(entry.ticket);`, to: `` },
  tokens_no_sign_of_life: { from: `    run.progressAt = this.#now;\n`, to: `` },
  progress_no_sign_of_life: {
    from: `      case "progress":\n        this.#workerProgressAt = this.#now;\n`,
    to: `      case "progress":\n`,
  },
  tokens_of_others_no_sign_of_life: {
    from: `      case "step":\n        this.#workerProgressAt = this.#now;\n`,
    to: `      case "step":\n`,
  },
  row_kept_for_ever_beside_others: {
    from: `Math.min(this.#workerProgressAt + workerTimeoutMs, rowDueAt)`,
    to: `this.#workerProgressAt + workerTimeoutMs`,
  },
  row_given_up_only_beside_others: {
    from: `Math.min(this.#workerProgressAt + workerTimeoutMs, rowDueAt)`,
    to: `rowDueAt`,
  },
  call_ends_with_the_workers_patience: {
    from: `return Math.min(longest, this.limits.rowTimeoutMs);`,
    to: `return Math.min(longest, this.limits.workerTimeoutMs);`,
  },
  gap_in_a_stream_ignored: { from: `if (tokenIndex !== run.tokens ||`, to: `if (tokenIndex < run.tokens ||` },
  repeated_token_passed_on: {
    from: `if (tokenIndex !== run.tokens ||`,
    to: `if (tokenIndex > run.tokens ||`,
  },
  missing_last_tokens_ignored: {
    file: "checked_reply.ts",
    from: `&& streamed !== tokens) {`,
    to: `&& streamed < tokens) {`,
  },
  time_steps_back: { from: `this.#now = Math.max(this.#now, now);`, to: `this.#now = now;` },
  clock_of_another_thread_ignored: {
    from: `if (event.kind === "arrive") this.#now = Math.max(this.#now, event.submission.receivedAt);`,
    to: ``,
  },
  turned_back_is_final: {
    from: `      return this.#lose([result.sequence], reply, effects, "turned_back");`,
    to: ``,
  },
  sent_to_a_draining_worker: {
    file: "worker_watch.ts",
    from: `return this.#state === "up";`,
    to: `return this.#state === "up" || this.#state === "draining";`,
  },
  worker_given_up_at_once: {
    file: "worker_watch.ts",
    from: `else this.#giveUpAt ??= now + this.waitMs;`,
    to: `else this.#giveUpAt ??= now;`,
  },
  worker_waited_for_anew: {
    file: "worker_watch.ts",
    from: `else this.#giveUpAt ??= now + this.waitMs;`,
    to: `else this.#giveUpAt = now + this.waitMs;`,
  },
  resend_counts_as_lateness: {
    file: "losses.ts",
    from: `      entry.lane.lostPlace(now);\n`,
    to: ``,
  },
  first_token_from_the_future: {
    file: "phases.ts",
    from: `Math.max(dispatchedAt, now - decodeMs)`,
    to: `now - decodeMs`,
  },
  deadline_heap_upside_down: { file: "deadlines.ts", from: `a.at - b.at`, to: `b.at - a.at` },
  queue_forgets_its_end: { file: "queue.ts", from: `    else this.#last = item.previous;\n`, to: `` },
  hint_ignored: { from: `const lane = this.#laneOf(submission.mode);`, to: `const lane = this.#lanes[0]!;` },
  hint_leads_to_the_newest_lane: {
    from: `if (known) return known;`,
    to: `if (known) return this.#lanes.at(-1)!;`,
  },
  lane_made_for_each_hint: { from: `if (known) return known;`, to: `` },
  lane_with_the_policy_of_another: {
    from: `new Lane(mode, this.policyOf(mode), this.limits);`,
    to: `new Lane(mode, this.policyOf(this.#lanes[0]!.mode), this.limits);`,
  },
  waiting_lane_holds_up_the_others: {
    from: `for (const lane of this.#lanes) this.#letGo(lane, effects);`,
    to: `for (const lane of this.#lanes) { this.#letGo(lane, effects); if (lane.first) break; }`,
  },
  wake_up_of_one_lane_only: {
    from: `for (const { wakeAt, first } of this.#lanes) {`,
    to: `for (const { wakeAt, first } of this.#lanes.slice(0, 1)) {`,
  },
  group_counted_on_another_lane: { from: `lane.sent(leaving);`, to: `this.#lanes[0]!.sent(leaving);` },
  place_given_back_to_another_lane: {
    from: `entry.lane.returned(entry, run.group, this.#now);`,
    to: `this.#lanes[0]!.returned(entry, run.group, this.#now);`,
  },
  sent_again_in_another_lane: {
    from: `this.#losses.putBack(again, loss, this.#now);`,
    to: `this.#losses.putBack(again.map((one) => ({ ...one, lane: this.#lanes[0]! })), loss, this.#now);`,
  },
  capacity_counted_over_all_lanes: {
    from: `const refusal = lane.admission.refusal(submission, this.#now);`,
    to: `const full = this.stats().queueDepth >= this.limits.queueCapacity;\n` +
      `    const refusal: Outcome | undefined = full\n` +
      `      ? { kind: "refused", code: "resource_exhausted", message: "full", retryAfterMs: 1000 }\n` +
      `      : lane.admission.refusal(submission, this.#now);`,
  },
  capacity_of_another_lane: {
    from: `lane.admission.refusal(submission, this.#now)`,
    to: `this.#lanes[0]!.admission.refusal(submission, this.#now)`,
  },
  answers_counted_for_another_lane: {
    from: `entry.lane.admission.answered(`,
    to: `this.#lanes[0]!.admission.answered(`,
  },
  answers_counted_for_all_lanes: {
    from: `entry.lane.admission.answered(`,
    to: `for (const { admission } of this.#lanes) admission.answered(`,
  },
  place_and_bytes_returned_to_another_lane: {
    from: `      lane.leaveQueue(entry);\n      const hasWaitedForPlace`,
    to: `      lane.leaveQueue(entry);\n      lane.admission.entered(entry.submission);\n` +
      `      this.#lanes[0]!.admission.left(entry.submission);\n      const hasWaitedForPlace`,
  },
  hint_by_answers_that_nobody_waited_for: {
    file: "drain_rate.ts",
    from: `    if (this.#rows === undefined) return;\n`,
    to: ``,
  },
  hint_by_the_rows_of_the_moment: {
    file: "drain_rate.ts",
    from: `/ this.#answers / this.#meanRows()`,
    to: `/ this.#answers / (this.#rows ?? 1)`,
  },
  hint_by_the_last_answer_alone: {
    file: "drain_rate.ts",
    from: `this.#serviceMs = this.#serviceMs * kept + serviceMs;`,
    to: `this.#serviceMs = this.#answers * serviceMs;`,
  },
  hint_counts_the_time_in_a_window: {
    file: "lane.ts",
    from: `this.admission.update(noPlace ? this.#running : undefined, now);`,
    to: `this.admission.update(this.#queue.length > 0 ? this.#running : undefined, now);`,
  },
  hint_counts_the_time_while_nobody_waits: {
    file: "lane.ts",
    from: `this.admission.update(noPlace ? this.#running : undefined, now);`,
    to: `this.admission.update(this.#running > 0 ? this.#running : undefined, now);`,
  },
  hint_counts_the_workers_absence: {
    file: "lane.ts",
    from: `this.admission.update(undefined, now);`,
    to: `this.admission.update(this.#heldBack ? this.#running : undefined, now);`,
  },
  hint_until_the_queue_is_empty: { file: "admission.ts", from: `waitMs / 2`, to: `waitMs` },
  hint_by_rows_that_were_given_up: {
    from: `    this.#timeouts.delete(run.sequence);\n`,
    to: `    this.#timeouts.delete(run.sequence);\n` +
      `    entry.lane.admission.answered(this.#now - run.dispatchedAt, false, this.#now);\n`,
  },
  one_lane_gives_up_alone: {
    from: `if (this.#worker.givesUp(this.#now)) this`,
    to: `if (lane === this.#lanes[0] && this.#worker.givesUp(this.#now)) this`,
  },
  one_lane_hears_of_the_worker: {
    from: `for (const lane of this.#lanes) lane.placeFreed(this.#now);`,
    to: `this.#lanes[0]!.placeFreed(this.#now);`,
  },
  one_lane_is_held_back: {
    from: `this.#failWaiting(lane, effects);\n      return lane.holdBack(this.#now);`,
    to: `this.#failWaiting(lane, effects);\n      return this.#lanes[0]!.holdBack(this.#now);`,
  },
  dispatch_told_with_the_engines_mode: { from: `mode: lane.mode,`, to: `mode: this.#lanes[0]!.mode,` },
  dispatch_told_without_a_member: {
    from: `tickets: leaving.map(({ ticket }) => ticket),`,
    to: `tickets: leaving.map(({ ticket }) => ticket).slice(0, 3),`,
  },
};

export const BUG_NAMES: readonly string[] = Object.keys(BUGS);

const CORE = new URL("../../src/core/", import.meta.url);

/** Files that the core does not import itself, and one that does. */
const IMPORTED_BY: Readonly<Record<string, string>> = {
  "admission.ts": "lane.ts",
  "drain_rate.ts": "admission.ts",
  "queue.ts": "lane.ts",
};

/** The production core with one bug: its source, changed in one place, run from memory. */
export async function buggyCore(name: string): Promise<MakeCore> {
  const bug = BUGS[name];
  if (!bug) throw new Error(`no planted bug is called ${name}; there are ${BUG_NAMES.join(", ")}`);
  const { file = "core.ts", from, to } = bug;
  let source = replaceOnce(sourceOf(file), from, to, `${name} in ${file}`);
  for (let changed: string = file; changed !== "core.ts";) {
    const importer = IMPORTED_BY[changed] ?? "core.ts";
    const url = `"${new URL(changed, CORE).href}"`;
    source = replaceOnce(sourceOf(importer), url, `"${moduleOf(source)}"`, `${name} in ${importer}`);
    changed = importer;
  }
  const module = await import(moduleOf(source)) as { SchedulerCore: typeof SchedulerCore };
  return ({ mode, limits }): SchedulerCore =>
    new module.SchedulerCore(mode.ENGINE_MODE, (asked) => choosePolicy(asked, mode), limits);
}

function replaceOnce(source: string, from: string, to: string, what: string): string {
  const found = source.split(from).length - 1;
  if (found !== 1) {
    throw new Error(`the planted bug ${what} must fit in one place, it fits in ${found}: ${from}`);
  }
  return source.replace(from, () => to);
}

/** A source of the scheduler, with imports that hold wherever it is run from. */
function sourceOf(file: string): string {
  const url = new URL(file, CORE);
  return Deno.readTextFileSync(url).replaceAll(
    /from "(\.[^"]+)"/g,
    (_, path: string) => `from "${new URL(path, url).href}"`,
  );
}

function moduleOf(source: string): string {
  return `data:application/typescript;charset=utf-8,${encodeURIComponent(source)}`;
}
