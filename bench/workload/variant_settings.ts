/** The engine settings that one variant may have otherwise than another. */
import { SETTING_NAMES, type SettingName } from "../../src/config.ts";

/** One worker serves all variants, and the lab itself says where engines listen and in which mode they run. */
const FIXED: ReadonlySet<SettingName> = new Set<SettingName>([
  "ENGINE_MODE",
  "BIND_HOST",
  "BIND_PORT",
  "WORKER_ENDPOINT",
  "WORKER_PORT",
  "WORKER_BACKEND",
  "MODEL_ID",
  "PYTHON",
]);

export const VARIANT_SETTINGS: readonly SettingName[] = SETTING_NAMES.filter((name) => !FIXED.has(name));
