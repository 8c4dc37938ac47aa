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
 * 512 English words. Each is one token, with a space before it and without one, in the vocabularies of GPT-2 (r50k),
 * GPT-4 (cl100k), GPT-4o (o200k) and SmolLM2, and one token of the simulated model, which counts words. A chat template
 * of the worker's adds its own tokens.
 */
export const WORDS: readonly string[] = `
  about above act add again age ago air along also always among animal any area around art away baby back
  bag ball bar base bear beat before begin below best better big bill bird bit block blue board boat body
  book born both bottom boy bread break bright build building bus buy call camp can cap car care case castle
  cat catch cell center central chain change charge chart check chief choice church circle city clear clock
  close cloth cloud coat cold color come cook cool corn cost count course court cover cross dark date
  daughter day deep degree detail direct doctor door double down draw drive drop dry each ear earth east
  easy eat egg eight empty end energy enter even event ever eye face fact fair fall far farm fast fat feed
  feel few field figure film final find fine fire first fish fit flag flat flight floor flow fly follow food
  foot forest form forward four frame fresh friend front fruit fun game gas gate general give glass goal
  gold grand grass gray great green group grow guide hair hall hand happy hard have head health heart heat
  help here high hill hold hole home horse hot house how human ice inside iron job join joy keep key kind
  king lake land language large last law lead leaf learn left leg less letter level life lift light like
  list little live local look love low machine magic main make man many mark market master match matter meal
  mean member memory method middle mile million mind miss modern money month more most mother mouth move
  music name nation nature neck need new news next nine none north note now number off offer often oil old
  once one open orange order other oven over own page pain paper parent park part pass past path pay peace
  people perfect period person photo picture piece pipe place plan plane plant plate please point pool port
  post power press pretty price public pull pure push quick quiet quite race radio raise reach read ready
  reason record red rest rice ride right ring rise road rock roll room root round row rule run same sand
  save say scale science sea search season second secret seed sell sense set seven shape share sheet shell
  shine ship shop short show side sign since sing single sit size skill skin sky sleep small soft some son
  soon sort sound south space speed spot spread spring stage stand star start state stay step stick still
  stop store storm story street strong student study style sun surface sweet table take talk tank tax team
  ten test text thank thing think third thought three time tin tiny title tone too tool top total tower town
  track trade travel tree trip true trust turn two type under until upon use usual very view voice vote wait
  wall want warm wash water wave way weak wear week weight west wheel white why wide wife win window wine
  wing winter wise with woman wood word world worth write yard yellow yes yet you young
`.trim().split(/\s+/);

/** Draws words of the list evenly; two prompts share their first ten words once in 2^90. */
export function drawWords(count: number, random: RandomGenerator): string[] {
  const words: string[] = [];
  // The upper nine bits of a 32-bit number, which are the generator's best, are a place in the list.
  while (words.length < count) words.push(WORDS[random.next() >>> 23] as string);
  return words;
}
