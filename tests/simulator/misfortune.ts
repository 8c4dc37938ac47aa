import type { Agenda } from "./agenda.ts";
import type { Engine } from "./engine.ts";
import { Random } from "./random.ts";
import type { Fault, Scenario } from "./scenario.ts";
import type { Tally } from "./tally.ts";
import type { WorkerModel } from "./worker_model.ts";

/** Lets things happen to the worker, the machine and the thread, as long as requests still come. */
export class Misfortune {
  readonly #random: Random;
  readonly #able: readonly (readonly [Fault, () => void])[];

  constructor(
    private readonly scenario: Scenario,
    private readonly agenda: Agenda,
    private readonly tally: Tally,
    private readonly over: () => boolean,
    engine: Engine,
    workers: readonly WorkerModel[],
  ) {
    const random = this.#random = new Random(scenario.seed, "misfortune");
    const worker = () => random.pick(workers);
    const deeds: readonly (readonly [Fault, () => void])[] = [
      ["crash", () => worker().crash()],
      ["hang", () => worker().hang()],
      ["slow", () => worker().slow()],
      ["drain", () => worker().drain()],
      ["stall", () => engine.stall(random.ms(0, random.pick([5, 100, 3000])))],
      ["clock_forward", () => engine.moveClock(random.pick([1, 100, 10_000]))],
      ["clock_back", () => engine.moveClock(-random.pick([1, 20, 500]))],
      ["clock_skew", () => engine.skewMs = random.ms(-2, 2)],
      ["thread_restart", () => random.chance(0.3) && engine.restartThread()],
    ];
    this.#able = deeds.filter(([fault]) => scenario.faults.has(fault));
    if (this.#able.length > 0) this.#next();
  }

  #next(): void {
    this.agenda.after(this.#random.gapMs(this.scenario.faultGapMs), () => {
      if (this.over()) return;
      const [fault, act] = this.#random.pick(this.#able);
      this.tally.add(`fault: ${fault}`);
      act();
      this.#next();
    });
  }
}
