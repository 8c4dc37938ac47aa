/** The table of scheduling modes. All that differs by mode anywhere comes from it. */
import type { SettingValues } from "../setting.ts";
import { continuous } from "./continuous.ts";
import { direct } from "./direct.ts";
import { microBatch } from "./micro_batch.ts";
import type { ModeDefinition } from "./mode.ts";
import { queued } from "./queued.ts";

/** The first is the engine's default. */
export const MODE_TABLE = [direct, queued, microBatch, continuous] as const;

type Definition = (typeof MODE_TABLE)[number];
/** The name of a mode. */
export type Mode = Definition["name"];
/** Why a group left the queue when it did. */
export type DispatchReason = ReasonsOf<Definition>;
type ReasonsOf<D> = D extends ModeDefinition<string, infer _, infer Reason> ? Reason : never;

export const MODES = MODE_TABLE.map(({ name }) => name) as readonly Mode[] as readonly [Mode, ...Mode[]];

type All<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer Both) => void
  ? Both
  : never;

/** The settings of all modes; where two share one, it is the same. */
export const MODE_SETTINGS = Object.assign({}, ...MODE_TABLE.map(({ settings }) => settings)) as All<
  Definition["settings"]
>;
export type ModeSettings = SettingValues<typeof MODE_SETTINGS>;

/** Completes "It left because ...". */
export const REASON_TEXTS = Object.assign({}, ...MODE_TABLE.map(({ reasons }) => reasons)) as Readonly<
  Record<DispatchReason, string>
>;

/** The definition as everybody sees it who has the settings of all modes. */
export type AnyMode = ModeDefinition<Mode, typeof MODE_SETTINGS, DispatchReason>;

export function modeOf(name: Mode): AnyMode {
  return MODE_TABLE.find((mode) => mode.name === name)! as unknown as AnyMode;
}
