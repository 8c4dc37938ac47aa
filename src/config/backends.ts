/** The facts about each backend of the worker, from worker/backends.json, which the worker reads too. */
import TABLE from "../../worker/backends.json" with { type: "json" };

export type Backend = keyof typeof TABLE;

export interface BackendFacts {
  /** The machine that it runs on, for people. */
  readonly needs: string;
  /** The machines, as `os-arch` or `any`, for which WORKER_BACKEND=auto is this one; the first that fits is taken. */
  readonly autoOn?: string;
  /** The oldest Python that its packages run on. */
  readonly python: string;
  /** The file of its packages, in worker/. */
  readonly requirements: string;
  /** What MODEL_ID means to a worker that is started by hand; a backend without one has no model. */
  readonly defaultModel?: string;
  /** The form in which it reads the built-in model. */
  readonly builtInModel?: string;
  /** What differs in the environment of its tests. */
  readonly tests?: {
    readonly requirements: string;
    readonly python?: string;
    readonly pipOptions?: readonly string[];
  };
}

export const BACKENDS: Readonly<Record<Backend, BackendFacts>> = TABLE;
export const BACKEND_NAMES = Object.keys(TABLE) as Backend[];

/** The backends as the table of docs/configuration.md. */
export function backendsMarkdown(): string {
  const rows = Object.entries(BACKENDS).map(([name, { needs, python, requirements, defaultModel }]) => {
    const model = defaultModel === undefined ? "none" : `\`${defaultModel}\``;
    return `| \`${name}\` | ${needs} | ${python} | \`worker/${requirements}\` | ${model} |`;
  });
  return [
    "| backend | runs on | oldest Python | packages | model of a worker that is started by hand without `MODEL_ID` |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}
