/** What is asked: an endless, seeded sequence of requests, and the schedule of an open loop. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { Load, PromptSource, RequestClass, RequestMix, TurnLimits } from "../plan.ts";
import type { RequestSpec, ScheduledRequest } from "../record/sample.ts";
import { arrivalTimes } from "./arrivals.ts";
import { drawLength } from "./lengths.ts";
import { drawWords, naturalPrompts } from "./prompts.ts";
import { randomStream, WeightedChoice } from "./random.ts";
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
  readonly #classes: WeightedChoice<RequestClass>;
  readonly #streams: ReadonlyMap<string, ClassStreams>;
  readonly #classRandom;
  readonly #tenantRandom;
  #index = 0;

  constructor(mix: RequestMix, seed: number, wording = "") {
    this.#classes = new WeightedChoice(mix.classes);
    this.#streams = new Map(mix.classes.map((one) => [one.name, new ClassStreams(one, seed, wording)]));
    this.#classRandom = randomStream(seed, "class");
    this.#tenantRandom = randomStream(seed, "tenant");
  }

  /** The next request; `recorded` decides its lengths, and its answer has just as many tokens. */
  next(recorded?: Omit<TraceRow, "atMs">): RequestSpec {
    const drawn = this.#classes.draw(this.#classRandom);
    const streams = this.#streams.get(drawn.name) as ClassStreams;
    return {
      index: this.#index++,
      class: drawn.name,
      tenant: streams.tenants.draw(this.#tenantRandom).name,
      prompt: streams.prompt(recorded?.promptTokens),
      maxTokens: recorded?.outputTokens ?? streams.outputTokens(),
      exactOutput: recorded !== undefined || drawn.exactOutput,
    };
  }
}

/** The tenant of a class that names none. */
export const DEFAULT_TENANT = { name: "bench", weight: 1 } as const;

class ClassStreams {
  readonly tenants: WeightedChoice<RequestClass["tenants"][number]>;
  readonly #natural: Generator<string, never>;
  readonly #length;
  readonly #words;
  readonly #group;
  readonly #output;
  readonly #prefixes = new Map<number, readonly string[]>();

  constructor(
    private readonly of: RequestClass,
    private readonly seed: number,
    private readonly wording: string,
  ) {
    this.tenants = new WeightedChoice(of.tenants.length > 0 ? of.tenants : [DEFAULT_TENANT]);
    this.#natural = naturalPrompts(randomStream(seed, of.name, "natural"));
    this.#length = randomStream(seed, of.name, "prompt length");
    this.#words = randomStream(seed, of.name, "words", wording);
    this.#group = randomStream(seed, of.name, "prefix group");
    this.#output = randomStream(seed, of.name, "output length");
  }

  prompt(recordedTokens: number | undefined): string {
    const { prompt } = this.of;
    if (prompt.kind === "tokens") {
      return this.#synthetic(recordedTokens ?? drawLength(prompt.length, this.#length), prompt);
    }
    if (recordedTokens === undefined) return this.#natural.next().value;
    return drawWords(recordedTokens, this.#words).join(" ");
  }

  outputTokens(): number {
    return drawLength(this.of.output, this.#output);
  }

  /** The group's prefix first; a prompt no longer than it is the prefix's beginning. */
  #synthetic(tokens: number, { sharedPrefix, prefixes }: PromptSource & { readonly kind: "tokens" }): string {
    const prefix = sharedPrefix === 0
      ? []
      : this.#prefix(uniformInt(this.#group, 0, prefixes - 1), sharedPrefix);
    const own = drawWords(Math.max(0, tokens - prefix.length), this.#words);
    return [...prefix.slice(0, tokens), ...own].join(" ");
  }

  #prefix(group: number, tokens: number): readonly string[] {
    let words = this.#prefixes.get(group);
    if (!words) {
      words = drawWords(tokens, randomStream(this.seed, this.of.name, "prefix", group, this.wording));
      this.#prefixes.set(group, words);
    }
    return words;
  }
}
