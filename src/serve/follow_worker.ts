import { setTimeout as delay } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import { addressOf } from "../config/config.ts";
import { messageOf, StartupError } from "../core/errors.ts";
import type { WorkerStatus } from "../core/types.ts";
import { isListening } from "./find_worker.ts";
import { type Asked, describeIdentity, differences } from "./wanted_worker.ts";

const log = getLogger(["omnispan", "serve"]);

const LOOK_MS = 500;
/** A share of WORKER_WAIT_MS: what waits for the lost worker is to be answered by the next. */
const GONE_SHARE = 1 / 3;

export interface Followed {
  readonly asked: Asked;
  /** The engine's view of the worker. */
  worker(): WorkerStatus;
  /** Starts one in its place; undefined where the user has named the endpoint. */
  readonly startOwn: (() => Promise<unknown>) | undefined;
}

/**
 * Follows a worker that serve did not start, until the signal fires: logs when another comes in its place that is not
 * what was asked for, and starts an own one when it is gone for good, which is when nothing has listened at its port for
 * a third of WORKER_WAIT_MS.
 */
export async function followWorker(followed: Followed, signal: AbortSignal): Promise<void> {
  const { settings } = followed.asked;
  const address = addressOf(settings.WORKER_ENDPOINT);
  const patienceMs = settings.WORKER_WAIT_MS * GONE_SHARE;
  let instance: string | undefined;
  let goneSince: number | undefined;
  while (!signal.aborted) {
    await delay(LOOK_MS, undefined, { signal }).catch(() => {});
    const { state, identity } = followed.worker();
    if (identity && identity.instance !== instance) {
      instance = identity.instance;
      for (const { setting, asked, is } of differences(followed.asked, identity)) {
        log.warn("{setting} {asked} is not used: the worker at {address} has {is} ({identity})", {
          setting,
          asked,
          is,
          address,
          identity: describeIdentity(identity),
        });
      }
    }
    if (!followed.startOwn || signal.aborted) continue;
    if (state !== "down" || await isListening(address)) {
      goneSince = undefined;
      continue;
    }
    goneSince ??= performance.now();
    const goneMs = Math.round(performance.now() - goneSince);
    if (goneMs < patienceMs) continue;
    log.warn("nothing has listened at {address} for {goneMs} ms: serve starts a worker of its own", {
      address,
      goneMs,
    });
    try {
      await followed.startOwn();
      return;
    } catch (thrown) {
      if (signal.aborted) return;
      log.error("serve could not start a worker of its own: {problem}", { problem: messageOf(thrown) });
      if (thrown instanceof StartupError) return; // it would be refused again
      goneSince = undefined;
    }
  }
}
