import { OmnispanError } from "../../../errors.ts";
import type { Door } from "../../door.ts";

/** What a request may call the model when the worker has not said what it serves. */
const UNNAMED = "default";

/** A model as OpenAI's API lists it. */
export interface Model {
  readonly id: string;
  readonly object: "model";
  /** Unix seconds; ours are not dated. */
  readonly created: 0;
  readonly owned_by: string;
}

/** The one that the worker serves. */
export function availableModels({ scheduler }: Door): Model[] {
  const { identity } = scheduler.worker;
  return [{
    id: identity?.model || UNNAMED,
    object: "model",
    created: 0,
    owned_by: identity?.backend || "omnispan",
  }];
}

/**
 * The name of the model that answers; a request may leave it out. A worker without sessions does not say what it
 * serves, so any name is taken for it.
 * @throws {OmnispanError} not_found
 */
export function modelOf(door: Door, asked: string | null | undefined): string {
  const known = door.scheduler.worker.identity?.model;
  if (!known) return asked || UNNAMED;
  if (!asked || asked === known || asked === UNNAMED) return known;
  const got = JSON.stringify(asked.slice(0, 120));
  throw new OmnispanError("not_found", `model must be "${known}", the one that is served here, got ${got}`, {
    param: "model",
  });
}
