import { measuredTurn, type Turn } from "./cpu_time.ts";
import { type Figure, median, spread } from "./figure.ts";
import { loadH2, loadHttp, PROMPT } from "./load_h2.ts";
import { freePort } from "../../src/serve/free_port.ts";
import { type MeasuredEngine, startEngine, startWorker } from "./setup.ts";

const ROUNDS = 7;
const CLIENTS = 32;
const REQUESTS = 8000;
const STREAMS = 1000;
const STREAM_TOKENS = 64;

const KINDS = ["gRPC", "HTTP", "gRPC streams", "HTTP streams"] as const;
type Kind = (typeof KINDS)[number];

/**
 * What OpenAI's API costs beside gRPC, on one engine in turn: requests/s and the engine's CPU a request of 32
 * closed-loop clients, one token each in one piece, and 64 tokens streamed (direct, null worker).
 * @throws {SetupError} where there is no /proc
 */
export async function overHttp(folder: string): Promise<Figure> {
  await using worker = await startWorker("sim", { SIM_PROFILE: "null" }, folder);
  const port = freePort();
  const options = { env: { HTTP_PORT: String(port) } };
  await using engine = await startEngine("direct", worker.endpoint, {}, folder, options);
  const turns = new Map<Kind, Turn[]>(KINDS.map((kind) => [kind, []]));
  for (const kind of KINDS) await turn(kind, engine, port);
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of KINDS) turns.get(kind)!.push(await turn(kind, engine, port));
  }
  const samples = Object.fromEntries(
    [...turns].flatMap(([kind, all]) => [
      [`${kind}, requests/s`, all.map(({ perSecond }) => perSecond)],
      [`${kind}, us of CPU a request`, all.map(({ cpuUs }) => cpuUs)],
    ]),
  );
  const quotients = (over: Kind, under: Kind, of: keyof Turn) =>
    turns.get(over)!.map((turn, round) => turn[of] / turns.get(under)![round]![of]);
  const medianOf = (kind: Kind, of: keyof Turn) =>
    median(turns.get(kind)!.map((turn) => turn[of])).toFixed(0);
  const inOnePiece = quotients("HTTP", "gRPC", "perSecond");
  return {
    name:
      "OpenAI's API / gRPC, 32 clients, direct, null worker: requests/s in one piece; streams of 64 tokens",
    reached:
      `${spread(inOnePiece)} (${medianOf("HTTP", "perSecond")} and ${medianOf("gRPC", "perSecond")}/s; ` +
      `${medianOf("HTTP", "cpuUs")} and ${medianOf("gRPC", "cpuUs")} us of CPU a request); streams ` +
      `${spread(quotients("HTTP streams", "gRPC streams", "perSecond"))} ` +
      `(${medianOf("HTTP streams", "cpuUs")} and ${medianOf("gRPC streams", "cpuUs")} us)`,
    target: "stated",
    met: true,
    samples,
  };
}

function turn(kind: Kind, { process }: MeasuredEngine, port: number): Promise<Turn> {
  const requests = kind.endsWith("streams") ? STREAMS : REQUESTS;
  const perSecond = async () => (await load(kind, process.address, port, requests)).requestsPerSecond;
  return measuredTurn(process.pid, requests, perSecond);
}

function load(kind: Kind, grpc: string, port: number, requests: number) {
  const stream = kind.endsWith("streams");
  const maxTokens = stream ? STREAM_TOKENS : 1;
  if (kind.startsWith("gRPC")) {
    const rpc = stream ? "SubmitGenerateStream" : "SubmitGenerate";
    return loadH2({ address: grpc, requests, maxTokens, rpc, streams: CLIENTS / 4 });
  }
  const body = { prompt: PROMPT, max_tokens: maxTokens, temperature: 0, stream };
  return loadHttp({
    address: `127.0.0.1:${port}`,
    path: "/v1/completions",
    body,
    requests,
    clients: CLIENTS,
  });
}
