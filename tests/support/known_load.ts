/** Clients that know the right answer to everything they ask, and check each one they get. */
import assert from "node:assert/strict";
import { type TestClient } from "./engine.ts";
import { checkChunks } from "./wire_contract.ts";
import { SimWorker } from "./sim_worker.ts";

interface Question {
  readonly prompt: string;
  readonly maxTokens: number;
  readonly answer: string;
}

export interface KnownLoadOptions {
  /** Of each kind. */
  readonly clients: number;
  readonly fewestTokens: number;
  readonly mostTokens: number;
}

const QUESTIONS_EACH = 6;
const ID = "same for all";
/** What takes longer hangs. */
const DEADLINE_MS = 60_000;

/** What came of the requests so far. */
export interface Tally {
  answered: number;
  /** Streams that ended with a status after tokens had come. */
  broken: number;
  /** Sendings beyond the first, over all requests. */
  sentAgain: number;
}

/**
 * As many clients that stream as clients that don't, each with one request after the other, all under one request id.
 * A request none of whose tokens has come must be answered; one that has begun ends with `failures` at worst.
 */
export class KnownLoad {
  readonly tally: Tally = { answered: 0, broken: 0, sentAgain: 0 };
  #stopped = false;
  readonly #clients: Promise<void>[];
  #fault: unknown;

  private constructor(
    client: TestClient,
    questions: readonly Question[][],
    private readonly failures: RegExp,
  ) {
    this.#clients = questions.map(async (own, number) => {
      for (let i = 0; !this.#stopped; i++) {
        const question = own[i % own.length]!;
        await (number % 2 === 0 ? this.#stream(client, question) : this.#ask(client, question));
      }
    });
    for (const running of this.#clients) {
      running.catch((thrown) => {
        this.#fault ??= thrown;
        this.#stopped = true;
      });
    }
  }

  /** The right answers come from a worker of their own. */
  static async start(client: TestClient, options: KnownLoadOptions, failures: RegExp): Promise<KnownLoad> {
    return new KnownLoad(client, await questionsFor(options), failures);
  }

  /** Throws what a client found wrong. */
  check(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Lets each client finish what it asked last. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #ask(client: TestClient, { prompt, maxTokens, answer }: Question): Promise<void> {
    const request = { requestId: ID, prompt, maxTokens };
    const reply = await client.submit(request, { deadline: Date.now() + DEADLINE_MS });
    assert.match(reply.status, /^ok/, reply.errorMessage);
    assert.equal(reply.responseText, answer);
    this.tally.answered++;
    this.tally.sentAgain += reply.dispatch!.attempts - 1;
  }

  async #stream(client: TestClient, { prompt, maxTokens, answer }: Question): Promise<void> {
    const request = { requestId: ID, prompt, maxTokens };
    const stream = client.stream(request, { deadline: Date.now() + DEADLINE_MS });
    const last = await stream.last;
    checkChunks(stream.chunks, ID);
    this.tally.sentAgain += last.dispatch!.attempts - 1;
    if (last.status === "ok") {
      assert.equal(stream.text, answer);
      assert.equal(stream.tokens, maxTokens);
      this.tally.answered++;
      return;
    }
    assert.match(last.status, this.failures, last.errorMessage);
    assert.ok(stream.tokens > 0, `without a token it could be sent again: ${last.errorMessage}`);
    assert.match(last.errorMessage, new RegExp(`after ${stream.tokens} tokens of this answer`));
    assert.ok(answer.startsWith(stream.text), `${stream.text} is no beginning of ${answer}`);
    this.tally.broken++;
  }
}

async function questionsFor({ clients, fewestTokens, mostTokens }: KnownLoadOptions): Promise<Question[][]> {
  await using worker = await SimWorker.start();
  using reference = worker.client();
  return await Promise.all(
    Array.from(
      { length: 2 * clients },
      (_, client) =>
        Promise.all(Array.from({ length: QUESTIONS_EACH }, async (_, i) => {
          const prompt = `question ${i} of client ${client}`;
          const maxTokens = fewestTokens + (client * QUESTIONS_EACH + i) % (mostTokens - fewestTokens + 1);
          return { prompt, maxTokens, answer: await reference.answer(prompt, maxTokens) };
        })),
    ),
  );
}
