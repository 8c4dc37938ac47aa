/** The engine settings that one variant may have otherwise than another. */
import {
  INGRESS_SETTINGS,
  LOCAL_WORKER_SETTINGS,
  SETTING_NAMES,
  type SettingName,
  WORKER_SETTINGS,
} from "../../src/config/config.ts";
import type { Mode } from "../../src/core/types.ts";

/** One worker serves all variants, and the lab itself says where engines listen and in which mode they run. */
const FIXED = { ENGINE_MODE: true, ...INGRESS_SETTINGS, ...WORKER_SETTINGS, ...LOCAL_WORKER_SETTINGS };

export const VARIANT_SETTINGS: readonly SettingName[] = SETTING_NAMES.filter((name) => !(name in FIXED));

/** The settings that shape one mode and not another; with others of them a mode would be measured twice as it is. */
export const SHAPING = {
  direct: ["MAX_CONCURRENT_STREAMS"],
  queued: ["QUEUED_CONCURRENCY", "MAX_CONCURRENT_STREAMS"],
  micro_batch: ["BATCH_WINDOW_MS", "MAX_BATCH_SIZE", "BATCHES_IN_FLIGHT", "BATCH_WHEN_IDLE"],
  continuous: ["MAX_CONCURRENT_STREAMS"],
} as const satisfies { readonly [M in Mode]: readonly SettingName[] };

const SHAPES_SOME: ReadonlySet<SettingName> = new Set(Object.values(SHAPING).flat());

/** Whether the mode is another one with another value of the setting. */
export function shapes(setting: SettingName, mode: Mode): boolean {
  const shaping: readonly SettingName[] = SHAPING[mode];
  return !SHAPES_SOME.has(setting) || shaping.includes(setting);
}
