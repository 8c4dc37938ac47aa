/**
 * What the workers of tests answer. The prompt alone decides the answer, and no two requests have one prompt, so
 * text that reaches the wrong caller can always be told.
 */

/** A prompt whose answer has so many tokens; `name` makes it the request's own. */
export function promptOf(name: string | number, tokens: number): string {
  return `${name}/${tokens}`;
}

export function tokensOf(prompt: string): number {
  return Number(prompt.slice(prompt.lastIndexOf("/") + 1));
}

/** The answer's tokens `from` to before `to`, joined. */
export function answerText(prompt: string, from: number, to: number): string {
  let text = "";
  for (let index = from; index < to; index++) text += `${prompt}:${index} `;
  return text;
}
