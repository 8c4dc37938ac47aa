/** What prompts say: questions and tasks as people write them, or words for a wanted number of tokens. */
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { shuffled } from "./random.ts";

/** Endless prompts: each round asks every one once, shuffled anew. */
export function* naturalPrompts(random: RandomGenerator): Generator<string, never> {
  for (;;) yield* shuffled(PROMPTS, random);
}

const TOPICS = [
  ["a rainbow", "why the colours of a rainbow are always in the same order"],
  ["bread", "what the yeast does in bread dough, and why the dough has to rest"],
  ["a bicycle", "how a bicycle stays upright while it moves"],
  ["the moon", "why we always see the same side of the moon"],
  ["a library", "how a public library decides which books to buy"],
  ["a vaccine", "how a vaccine teaches the body to defend itself"],
  ["a river", "why rivers bend instead of running straight to the sea"],
  ["a computer network", "how a message finds its way through a computer network"],
] as const;

/** Short and long, questions and tasks: from about ten tokens to about a hundred and fifty. */
const TEMPLATES: readonly ((thing: string, question: string) => string)[] = [
  (thing) => `What is ${thing}?`,
  (_, question) => `Explain to a curious ten-year-old ${question}.`,
  (thing) => `Write a short, friendly story of one paragraph in which ${thing} plays the main part.`,
  (thing) => `List five facts about ${thing} that most people do not know, each in one sentence.`,
  (thing, question) =>
    `You are a patient teacher. A student asks you about ${thing}. First say what they should already know, ` +
    `then explain ${question}, and end with a question that checks whether they understood.`,
  (thing) =>
    `Write an email to a colleague who will give a talk about ${thing} next week. Thank them, ask how long ` +
    `the talk will be and what the audience should read beforehand, and offer to help with the slides.`,
  (thing, question) =>
    `Here are my notes for an article:\n- the readers know little about ${thing}\n- the main point is ` +
    `${question}\n- there must be one example from daily life\n- the tone is calm and precise\n- it ends with ` +
    `a sentence that is easy to remember\n\nWrite the first paragraph of the article from these notes.`,
  (thing, question) =>
    `Summarise this conversation in two sentences.\nAnna: I read something about ${thing} yesterday and I can ` +
    `not stop thinking about it.\nBen: Really? I thought everybody knew all about it from school.\nAnna: So ` +
    `did I. But then I tried to explain ${question}, and I could not.\nBen: Now that you say it, neither ` +
    `could I. Let us look it up together after lunch, and then each of us explains it to the other.\nAnna: ` +
    `Good idea, and whoever does it worse pays for the coffee.`,
];

export const PROMPTS: readonly string[] = TOPICS.flatMap(([thing, question]) =>
  TEMPLATES.map((template) => template(thing, question))
);

/**
 * The 512 English words of words.txt. Each is one token, with a space before it and without one, in the vocabularies of GPT-2 (r50k),
 * GPT-4 (cl100k), GPT-4o (o200k) and SmolLM2, and one token of the simulated model, which counts words. A chat template
 * of the worker's adds its own tokens.
 */
export const WORDS: readonly string[] = Deno.readTextFileSync(new URL("words.txt", import.meta.url)).trim()
  .split(/\s+/);

/** Draws words of the list evenly; two prompts share their first ten words once in 2^90. */
export function drawWords(count: number, random: RandomGenerator): string[] {
  // The upper nine bits of a 32-bit number, which are the generator's best, are a place in the list.
  return Array.from({ length: count }, () => WORDS[random.next() >>> 23] as string);
}
