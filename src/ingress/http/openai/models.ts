import { OmnispanError } from "../../../core/errors.ts";
import type { Ingress } from "../../ingress.ts";

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
export function availableModels({ scheduler }: Ingress): Model[] {
  const { identity } = scheduler.worker;
  return [{
    id: identity?.model || UNNAMED,
    object: "model",
    created: 0,
    owned_by: identity?.backend || "omnispan",
  }];
}

/** The name of the model that answers, as far as the worker has said it. */
export function modelName({ scheduler }: Ingress, asked: string | undefined): string {
  return scheduler.worker.identity?.model || asked || UNNAMED;
}

/**
 * A request may leave the model out. A worker without sessions does not say what it serves, so any name is taken.
 * @throws {OmnispanError} not_found
 */
export function requireModel({ scheduler }: Ingress, asked: string | undefined): void {
  const known = scheduler.worker.identity?.model;
  if (!known || !asked || asked === known || asked === UNNAMED) return;
  const got = JSON.stringify(asked.slice(0, 120));
  throw new OmnispanError("not_found", `model must be "${known}", the one that is served here, got ${got}`, {
    param: "model",
  });
}
