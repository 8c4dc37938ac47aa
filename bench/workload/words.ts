/** Prompts of a wanted number of tokens. */
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

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

/** So many words of the list, drawn evenly: two prompts are alike in their first ten words once in 2^90. */
export function drawWords(count: number, random: RandomGenerator): string[] {
  const words: string[] = [];
  // The upper nine bits of a 32-bit number, which are the generator's best, are a place in the list.
  while (words.length < count) words.push(WORDS[random.next() >>> 23] as string);
  return words;
}
