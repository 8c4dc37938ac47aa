/** An HTTP answer that is no success, in the words of its sender. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads the body of an answer that is no success: the message of OpenAI's error object, or the status alone. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const said = messageIn(await response.json().catch(() => undefined));
  return new Refusal(response.status, said ?? `the engine answered with HTTP status ${response.status}`);
}

/** The message of `{ error: { message } }`; undefined where the value is no such thing. */
export function messageIn(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("error" in value)) return undefined;
  const { error } = value;
  if (typeof error !== "object" || error === null || !("message" in error)) return undefined;
  return typeof error.message === "string" ? error.message : undefined;
}

/** The header by which a key is shown; none for no key. */
export function keyHeader(key: string): Record<string, string> {
  return key === "" ? {} : { authorization: `Bearer ${key}` };
}
