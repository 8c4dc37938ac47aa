/** What a publication says it measured, and how; imports nothing. */

/** Requests of a row and the clients that share them: a client asks again when it has its answer. */
export interface PublishedLoad {
  readonly requests: number;
  readonly clients: number;
}

export interface PublishedRow {
  /** Requests that run at once; more wait. */
  readonly atOnce: number;
  readonly load: PublishedLoad;
  /** For a first look. Null: even the least of it takes too long. */
  readonly quick: PublishedLoad | null;
  /** Prompt and output tokens. */
  readonly tokensPerSecond: number;
  readonly tpotP50Ms: number;
}

export interface Publication {
  /** As sentences begin with it. */
  readonly title: string;
  /** Of the simulated worker. */
  readonly profile: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** The worker's time to first token of a request that runs alone. */
  readonly aloneTtftMs: number;
  readonly rows: readonly PublishedRow[];
}
