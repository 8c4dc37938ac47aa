import type { Settings } from "../../src/config/config.ts";
import { SchedulerCore } from "../../src/core/core.ts";
import type { CoreLimits } from "../../src/core/events.ts";
import { modeOf, type ModeSettings } from "../../src/core/modes/modes.ts";
import type { WorkerId } from "../../src/core/types.ts";

export type CoreSettings = ModeSettings & Pick<Settings, "ENGINE_MODE">;

/** What a core is made of: the production sources, or a copy with a planted bug. */
export interface CoreSources {
  readonly SchedulerCore: typeof SchedulerCore;
  readonly modeOf: typeof modeOf;
}

/** A core with the policies of all modes. */
export function makeCore(
  { settings, limits, workers }: { settings: CoreSettings; limits: CoreLimits; workers: readonly WorkerId[] },
  sources: CoreSources = { SchedulerCore, modeOf },
): SchedulerCore {
  const { ENGINE_MODE: mode } = settings;
  return new sources.SchedulerCore({
    mode,
    policyOf: (asked) => sources.modeOf(asked).policy(settings),
    limits,
    workers,
  });
}
