import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { EngineLoad } from "../load/engine_load.ts";
import type { Figure } from "./figure.ts";
import { startEcho, startEngine, startWorker } from "./setup.ts";

const NEVER = new AbortController().signal;
const QUEUED = 10_000;
/** A usual prompt: about 100 tokens. */
const PROMPT_BYTES = 400;

/**
 * What 10,000 waiting requests cost the engine while the worker is busy with another, beside what they cost a bare
 * grpc-js server that holds them.
 */
export async function queuedMemory(folder: string): Promise<Figure> {
  const profile = join(folder, "slow.json");
  await Deno.writeTextFile(
    profile,
    JSON.stringify({ source: "One row, five tokens a second.", step_ms: [[1, 200]], max_rows: 1 }),
  );
  await using worker = await startWorker("sim", { SIM_PROFILE: profile }, folder);
  const settings = { QUEUE_CAPACITY: 2 * QUEUED, WORKER_RPC_TIMEOUT_MS: 3_600_000 };
  await using engine = await startEngine("queued", worker.endpoint, settings, folder);
  const addedMb = await heldMb(engine.load, engine.process.pid);
  await using echo = await startEcho("--hold");
  using load = new EngineLoad(echo.address, 3_600_000);
  const bareMb = await heldMb(load, echo.pid);
  return {
    name: `engine RSS over idle with ${QUEUED} requests of ${PROMPT_BYTES} bytes queued`,
    reached: `${addedMb.toFixed(0)} MB (a bare grpc-js server that holds them: ${bareMb.toFixed(0)} MB)`,
    target: "<= 150 MB",
    met: addedMb <= 150,
    samples: { addedMb: [addedMb], bareMb: [bareMb] },
  };
}

/** Sends the requests and returns by how much the process has grown once it holds them all. */
async function heldMb(load: EngineLoad, pid: number): Promise<number> {
  await load.stats(30_000);
  const idleMb = await residentMb(pid);
  for (let index = 0; index <= QUEUED; index++) {
    const prompt = `${index} `.padEnd(PROMPT_BYTES, "lorem ipsum ");
    void load.send({ index, prompt, maxTokens: 4096 }, NEVER); // ends with the server
  }
  while ((await load.stats(30_000)).queueDepth < QUEUED) await sleep(100);
  return await residentMb(pid) - idleMb;
}

/** Resident memory of a process. */
export async function residentMb(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).output();
  return Number(new TextDecoder().decode(stdout)) / 1024;
}
