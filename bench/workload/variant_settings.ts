/** The engine settings that one variant may have otherwise than another. */
import {
  INGRESS_SETTINGS,
  LOCAL_WORKER_SETTINGS,
  SETTING_NAMES,
  type SettingName,
  WORKER_SETTINGS,
} from "../../src/config/config.ts";
import { type Mode, MODE_SETTINGS, modeOf } from "../../src/core/modes/modes.ts";

/** One worker serves all variants, and the lab itself says where engines listen and in which mode they run. */
const FIXED = { ENGINE_MODE: true, ...INGRESS_SETTINGS, ...WORKER_SETTINGS, ...LOCAL_WORKER_SETTINGS };

export const VARIANT_SETTINGS: readonly SettingName[] = SETTING_NAMES.filter((name) => !(name in FIXED));

/** Whether the mode is another one with another value of the setting: not with one that shapes other modes alone. */
export function shapes(setting: SettingName, mode: Mode): boolean {
  return setting in modeOf(mode).settings || !(setting in MODE_SETTINGS);
}
