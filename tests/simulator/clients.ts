import { MODES } from "../../src/core/modes/modes.ts";
import type { Submission } from "../../src/core/types.ts";
import { promptOf } from "./oracle/answers.ts";
import type { Agenda } from "./agenda.ts";
import type { Engine } from "./engine.ts";
import { Random } from "./random.ts";
import type { Scenario, WorkerTraits } from "./scenario.ts";

/** When a caller leaves. */
export type Leave = "never" | "at_once" | "later" | "when_sent" | "at_first_token" | "at_some_token";

/** The callers: they come one by one, in bursts and in storms, and some leave early. */
export class Clients {
  readonly #random: Random;
  readonly #hints: Random;
  #left: number;
  #asked = 0;

  constructor(
    private readonly scenario: Scenario,
    private readonly agenda: Agenda,
    private readonly engine: Engine,
  ) {
    this.#random = new Random(scenario.seed, "clients");
    this.#hints = new Random(scenario.seed, "hints");
    this.#left = scenario.requests;
    this.#next();
  }

  get done(): boolean {
    return this.#left === 0;
  }

  #next(): void {
    if (this.done) return;
    this.agenda.after(this.#random.gapMs(this.scenario.traffic.gapMs), () => {
      for (let count = Math.min(this.#left, this.#crowd()); count > 0; count--) this.#ask();
      this.#next();
    });
  }

  /** How many come at this moment. */
  #crowd(): number {
    const { traffic, faults, limits } = this.scenario;
    if (faults.has("storms") && this.#random.chance(0.0007)) {
      return this.#random.int(2, 2 * Math.min(limits.queueCapacity, 300) + 20);
    }
    return this.#random.chance(traffic.burstChance) ? this.#random.int(2, traffic.burstMost) : 1;
  }

  #ask(): void {
    this.#left--;
    const random = this.#random;
    const { traffic, faults } = this.scenario;
    const tokens = random.int(1, traffic.tokensMost);
    const submission: Omit<Submission, "receivedAt" | "deadline"> = {
      requestId: `id ${random.int(0, 3)}`,
      tenantId: "",
      prompt: promptOf(++this.#asked, tokens),
      promptBytes: random.int(1, traffic.bytesMost),
      maxTokens: tokens,
      stream: random.chance(traffic.streamChance),
      ...(this.#hints.chance(traffic.hintChance) && { mode: this.#hints.pick(MODES) }),
    };
    const leave = faults.has("cancels") && random.chance(traffic.cancelChance) ? this.#leave() : "never";
    const hasDeadline = faults.has("deadlines") && random.chance(traffic.deadlineChance);
    const ticket = this.engine.submit(submission, leave, hasDeadline ? this.#deadlineIn(tokens) : undefined);
    if (leave === "at_once") this.engine.cancel(ticket);
    if (leave === "later") {
      this.agenda.after(random.gapMs(this.#usualMs(tokens)), () => this.engine.cancel(ticket));
    }
  }

  #leave(): Leave {
    return this.#random.pick([
      "at_once",
      "later",
      "later",
      "later",
      "when_sent",
      "at_first_token",
      "at_some_token",
    ]);
  }

  #deadlineIn(tokens: number): number {
    const random = this.#random;
    if (random.chance(0.05)) return -random.ms(0, 5);
    return random.chance(0.5)
      ? random.gapMs(this.#usualMs(tokens))
      : random.ms(1, 20 * this.#usualMs(tokens));
  }

  /** About how long an answer takes. */
  #usualMs(tokens: number): number {
    const { workers: [worker], mode } = this.scenario as Scenario & { workers: [WorkerTraits] };
    return 2 * mode.BATCH_WINDOW_MS + 3 * worker.stepMs * (1 + tokens / worker.tokensPerStep) +
      4 * worker.hopMs;
  }
}
