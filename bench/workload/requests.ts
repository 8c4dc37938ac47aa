import type { RequestMix } from "../plan.ts";
import type { RequestSpec } from "../record/sample.ts";
import { PROMPTS } from "./prompts.ts";

/** Endless requests; the same seed and index give the same one. */
export function* requests(mix: RequestMix, seed: number): Generator<RequestSpec, never> {
  const { name, tenants, exactOutput } = mix.classes[0]!;
  for (let index = 0;; index++) {
    const prompt = PROMPTS[(index + seed) % PROMPTS.length]!;
    yield { index, class: name, tenant: tenants[0]?.name ?? "", prompt, maxTokens: 16, exactOutput };
  }
}
