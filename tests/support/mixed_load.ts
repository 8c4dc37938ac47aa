/** Clients of several tenants over gRPC and HTTP, in one piece and streamed; each sends one request after the other. */
import type { TestClient } from "./engine.ts";

const TENANTS = ["acme", "globex", "initech"] as const;
const CHAT = "/v1/chat/completions";

export class MixedLoad implements AsyncDisposable {
  #stopped = false;
  readonly #clients: Promise<void>[];

  /** Whatever becomes of a request, its client asks the next; each tenth is one that the engine refuses. */
  constructor(client: TestClient, url: string) {
    this.#clients = TENANTS.flatMap((tenant) => [
      this.#repeat((request) => client.submit({ ...request, tenantId: tenant })),
      this.#repeat((request) => client.stream({ ...request, tenantId: tenant }).last),
      this.#repeat((request) => chat(url, tenant, request, false)),
      this.#repeat((request) => chat(url, tenant, request, true)),
    ]);
  }

  /** Each client ends what it asked last. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #repeat(send: (request: Asked) => Promise<unknown>): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      const maxTokens = number % 10 === 5 ? -1 : 5 + number % 20;
      await send({ prompt: `question ${number}`, maxTokens }).catch(() => {});
    }
  }
}

interface Asked {
  readonly prompt: string;
  readonly maxTokens: number;
}

async function chat(
  url: string,
  tenant: string,
  { prompt, maxTokens }: Asked,
  stream: boolean,
): Promise<void> {
  const response = await fetch(url + CHAT, {
    method: "POST",
    headers: { "content-type": "application/json", "omnispan-tenant": tenant },
    body: JSON.stringify({ messages: [{ role: "user", content: prompt }], max_tokens: maxTokens, stream }),
  });
  await response.text();
}
