/** The engine settings that one variant may have otherwise than another. */
import { DOOR_SETTINGS, SETTING_NAMES, type SettingName } from "../../src/config/config.ts";
import { type Mode, MODE_SETTINGS, modeOf } from "../../src/core/modes/modes.ts";

/** One worker serves all variants, and the lab itself says where engines listen and in which mode they run. */
const FIXED: ReadonlySet<SettingName> = new Set<SettingName>([
  "ENGINE_MODE",
  ...DOOR_SETTINGS,
  "WORKER_ENDPOINT",
  "WORKER_TLS_CA",
  "WORKER_TLS_CLIENT_CERT",
  "WORKER_TLS_CLIENT_KEY",
  "WORKER_PORT",
  "WORKER_BACKEND",
  "MODEL_ID",
  "PYTHON",
]);

export const VARIANT_SETTINGS: readonly SettingName[] = SETTING_NAMES.filter((name) => !FIXED.has(name));

/** Whether the mode is another one with another value of the setting: not with one that shapes other modes alone. */
export function shapes(setting: SettingName, mode: Mode): boolean {
  return setting in modeOf(mode).settings || !(setting in MODE_SETTINGS);
}
