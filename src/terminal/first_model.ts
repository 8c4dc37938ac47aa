import { z } from "zod";
import { ClientError } from "./client_error.ts";
import type { EngineHttp } from "./engine_http.ts";

const MODELS = z.object({ data: z.array(z.object({ id: z.string() })) });

/** An engine that is there lists its models at once. */
const ANSWER_MS = 10_000;

/** The id of the first model that the engine lists. @throws {ClientError} also when it lists none */
export async function firstModel(engine: EngineHttp, stop: AbortSignal): Promise<string> {
  const { url } = engine.target;
  const time = AbortSignal.timeout(ANSWER_MS);
  try {
    const response = await engine.send("/v1/models", { signal: AbortSignal.any([stop, time]) });
    const { data: [first] } = MODELS.parse(await response.json());
    if (first) return first.id;
  } catch (thrown) {
    if (thrown instanceof ClientError || stop.aborted) throw thrown;
    if (time.aborted) {
      throw new ClientError(
        "unreachable",
        `the engine at ${url} did not answer within ${ANSWER_MS / 1000} s`,
      );
    }
    throw new ClientError("refused", `what answers at ${url} is no engine: its /v1/models lists no models`, {
      cause: thrown,
    });
  }
  throw new ClientError(
    "refused",
    `the engine at ${url} lists no model; --model names one`,
  );
}
