/** What is asked: an endless, seeded sequence of requests, and the schedule of an open loop. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { Load, PromptSource, RequestClass, RequestMix, TurnLimits } from "../plan.ts";
import type { RequestSpec, ScheduledRequest } from "../record/sample.ts";
import { arrivalTimes } from "./arrivals.ts";
import { drawLength } from "./lengths.ts";
import { drawWords, naturalPrompts } from "./prompts.ts";
import { randomStream, weightedChoice } from "./random.ts";
import { replay, type TraceRow } from "./trace.ts";

/**
 * Endless requests of the mix; the same seed, wording and index give the same one. Another wording changes the words of
 * made-up prompts and nothing else: a worker whose prefix cache has seen the one does not know the other.
 */
export function* requests(mix: RequestMix, seed: number, wording = ""): Generator<RequestSpec, never> {
  for (const source = new RequestSource(mix, seed, wording);;) yield source.next();
}

/**
 * All requests of an open loop's turn, in the order of sending, complete before the first is sent. A trace brings the
 * token counts of its rows; classes, tenants and shared prefixes are the mix's. `wording` as in `requests`.
 * @throws {RangeError} without any limit, {StartupError} when a trace can't be read
 */
export function scheduleOf(
  { arrivals }: Load & { readonly kind: "open" },
  mix: RequestMix,
  limits: TurnLimits,
  seed: number,
  wording = "",
): ScheduledRequest[] {
  const source = new RequestSource(mix, seed, wording);
  if (arrivals.kind === "trace") {
    return replay(arrivals, limits).rows.map(({ atMs, ...tokens }) => ({ ...source.next(tokens), atMs }));
  }
  return arrivalTimes(arrivals, limits, seed).map((atMs) => ({ ...source.next(), atMs }));
}

/**
 * Makes requests one after the other. Classes, tenants, and each class's lengths, groups and words come from streams of
 * their own: other prompt lengths in one class change neither its answers' lengths nor anything of another class.
 */
export class RequestSource {
  readonly #drawClass: () => RequestClass;
  readonly #samplers: ReadonlyMap<string, ClassSampler>;
  #index = 0;

  constructor(mix: RequestMix, seed: number, wording = "") {
    this.#drawClass = weightedChoice(mix.classes, randomStream(seed, "class"));
    const tenants = randomStream(seed, "tenant");
    this.#samplers = new Map(
      mix.classes.map((one) => [one.name, new ClassSampler(one, tenants, seed, wording)]),
    );
  }

  /** The next request; `recorded` decides its lengths, and its answer has just as many tokens. */
  next(recorded?: Omit<TraceRow, "atMs">): RequestSpec {
    const drawn = this.#drawClass();
    const sampler = this.#samplers.get(drawn.name) as ClassSampler;
    return {
      index: this.#index++,
      class: drawn.name,
      tenant: sampler.tenant().name,
      prompt: sampler.prompt(recorded?.promptTokens),
      maxTokens: recorded?.outputTokens ?? sampler.outputTokens(),
      exactOutput: recorded !== undefined || drawn.exactOutput,
    };
  }
}

/** The tenant of a class that names none. */
export const DEFAULT_TENANT = { name: "bench", weight: 1 } as const;

class ClassSampler {
  readonly tenant: () => RequestClass["tenants"][number];
  readonly #natural: Generator<string, never>;
  readonly #length: RandomGenerator;
  readonly #words: RandomGenerator;
  readonly #group: RandomGenerator;
  readonly #output: RandomGenerator;
  readonly #prefixes = new Map<number, readonly string[]>();

  constructor(
    private readonly of: RequestClass,
    tenants: RandomGenerator,
    private readonly seed: number,
    private readonly wording: string,
  ) {
    this.tenant = weightedChoice(of.tenants.length > 0 ? of.tenants : [DEFAULT_TENANT], tenants);
    this.#natural = naturalPrompts(randomStream(seed, of.name, "natural"));
    this.#length = randomStream(seed, of.name, "prompt length");
    this.#words = randomStream(seed, of.name, "words", wording);
    this.#group = randomStream(seed, of.name, "prefix group");
    this.#output = randomStream(seed, of.name, "output length");
  }

  outputTokens(): number {
    return drawLength(this.of.output, this.#output);
  }

  prompt(recordedTokens?: number): string {
    const { prompt } = this.of;
    if (prompt.kind === "tokens") {
      return this.#synthetic(recordedTokens ?? drawLength(prompt.length, this.#length), prompt);
    }
    if (recordedTokens === undefined) return this.#natural.next().value;
    return drawWords(recordedTokens, this.#words).join(" ");
  }

  /** The group's prefix first; a prompt no longer than it is the prefix's beginning. */
  #synthetic(tokens: number, { sharedPrefix, prefixes }: PromptSource & { readonly kind: "tokens" }): string {
    const group = sharedPrefix === 0 ? 0 : uniformInt(this.#group, 0, prefixes - 1);
    let prefix = this.#prefixes.get(group);
    if (!prefix) {
      const random = randomStream(this.seed, this.of.name, "prefix", group, this.wording);
      this.#prefixes.set(group, prefix = drawWords(sharedPrefix, random));
    }
    const own = drawWords(Math.max(0, tokens - prefix.length), this.#words);
    return [...prefix.slice(0, tokens), ...own].join(" ");
  }
}
