/** Names of loads and variants as tables, samples and charts show them: short, for people, unique among what differs. */
import { basename } from "node:path";
import type { SettingName, Settings } from "../../src/config/config.ts";
import type { Mode } from "../../src/core/types.ts";
import type { Arrivals } from "../plan.ts";

/** A load before it has its name. */
export type UnnamedLoad =
  | { readonly kind: "closed"; readonly concurrency: number; readonly requests?: number }
  | { readonly kind: "open"; readonly arrivals: Arrivals };

/** A variant before it has its name. */
export interface UnnamedVariant {
  readonly mode: Mode | null;
  readonly settings: Partial<Settings>;
}

/** "8 clients", "4/s poisson", "4/s gamma cv 2", "4/s bursts of 16", "ramp 1-20/s", "steps 1, 5, 20/s", "trace NAME x10". */
export function nameOfLoad(load: UnnamedLoad): string {
  if (load.kind === "open") return nameOfArrivals(load.arrivals);
  return load.concurrency === 1 ? "1 client" : `${load.concurrency} clients`;
}

/** "micro_batch", or "micro_batch BATCH_WINDOW_MS=5 MAX_BATCH_SIZE=16" with the settings in alphabetical order. */
export function nameOfVariant({ mode, settings }: UnnamedVariant): string {
  const names = (Object.keys(settings) as SettingName[]).sort();
  return [mode ?? "as it runs", ...names.map((name) => `${name}=${settings[name]}`)].join(" ");
}

function nameOfArrivals(arrivals: Arrivals): string {
  switch (arrivals.kind) {
    case "constant":
    case "poisson":
      return `${arrivals.rate}/s ${arrivals.kind}`;
    case "gamma":
      return `${arrivals.rate}/s gamma cv ${arrivals.cv}`;
    case "bursts":
      return `${arrivals.rate}/s bursts of ${arrivals.size}`;
    case "ramp":
      return `ramp ${arrivals.from}-${arrivals.to}/s`;
    case "steps":
      return `steps ${arrivals.rates.join(", ")}/s`;
    case "trace": {
      const { file, speed, maxPromptTokens, maxOutputTokens } = arrivals;
      return [
        `trace ${basename(file, ".csv")} x${speed}`,
        ...(maxPromptTokens === undefined ? [] : [`prompt<=${maxPromptTokens}`]),
        ...(maxOutputTokens === undefined ? [] : [`output<=${maxOutputTokens}`]),
      ].join(" ");
    }
    default:
      return arrivals satisfies never;
  }
}
