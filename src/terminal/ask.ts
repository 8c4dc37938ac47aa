/** `deno task ask`: one question to a running engine, its answer as it comes. Exit codes: see the help. */
import { text as readAll } from "node:stream/consumers";
import process from "node:process";
import { StartupError } from "../core/errors.ts";
import { ASK_HELP, type AskCommand, parseAsk, promptProblems } from "./ask_command.ts";
import { completionJson, completionLine } from "./ask_report.ts";
import { EngineHttp, EXIT, exitCodeOf } from "./engine_http.ts";
import { withoutControls } from "./line.ts";
import { complete, EMPTY, listModels } from "../live/chat.ts";
import { EngineError } from "../live/engine_client.ts";
import { printError, write } from "../cli/output.ts";
import { StopSignal } from "../cli/stop_signal.ts";

/** The engine's own word on a passed deadline may come so much after it. */
const GRACE_MS = 1000;
/** An engine that is there lists its models at once. */
const MODELS_MS = 10_000;

async function main(): Promise<number> {
  const command = parseAsk(Deno.args, Deno.env.toObject(), Deno.stdin.isTerminal());
  if (command === "help") {
    write(ASK_HELP + "\n");
    return EXIT.done;
  }
  using stop = new StopSignal();
  try {
    return await ask(command, stop.signal);
  } catch (thrown) {
    if (stop.signal.aborted) return EXIT.stopped;
    throw thrown;
  }
}

async function ask(command: AskCommand, stop: AbortSignal): Promise<number> {
  const prompt = command.prompt ?? await promptFromStdin(stop);
  using engine = new EngineHttp(command.target);
  const model = command.model ?? await firstModel(engine, stop);
  const { json, timeoutMs } = command;
  const time = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs + GRACE_MS);
  const signal = time ? AbortSignal.any([stop, time]) : stop;
  const shown = new ShownText();
  let completion = EMPTY;
  try {
    for await (const next of complete(engine, { ...command, model, prompt }, signal)) {
      if (!json) shown.add(next.text.slice(completion.text.length));
      completion = next;
    }
  } catch (thrown) {
    shown.endLine("if begun"); // so that what went wrong has a line of its own
    if (time?.aborted && !stop.aborted) {
      throw new EngineError("refused", `no complete answer came within ${timeoutMs} ms (--timeout)`);
    }
    throw thrown;
  }
  if (json) write(completionJson(completion) + "\n");
  else {
    shown.endLine("always");
    printError(completionLine(completion));
  }
  return EXIT.done;
}

async function firstModel(engine: EngineHttp, stop: AbortSignal): Promise<string> {
  const time = AbortSignal.timeout(MODELS_MS);
  try {
    const [first] = await listModels(engine, AbortSignal.any([stop, time]));
    if (first !== undefined) return first;
  } catch (thrown) {
    if (!time.aborted || stop.aborted) throw thrown;
    const message = `the engine at ${engine.url} did not answer within ${MODELS_MS / 1000} s`;
    throw new EngineError("unreachable", message);
  }
  throw new EngineError("refused", `the engine at ${engine.url} lists no model; --model names one`);
}

/** The answer on stdout; a terminal gets no control characters, whatever the model made up. */
class ShownText {
  #last = "";

  add(piece: string): void {
    if (piece === "") return;
    const text = Deno.stdout.isTerminal() ? withoutControls(piece) : piece;
    this.#last = text.at(-1) ?? this.#last;
    write(text);
  }

  endLine(when: "always" | "if begun"): void {
    if (this.#last !== "\n" && (when === "always" || this.#last !== "")) write("\n");
    this.#last = "\n";
  }
}

async function promptFromStdin(stop: AbortSignal): Promise<string> {
  const stopped = Promise.withResolvers<never>();
  stop.addEventListener("abort", () => stopped.reject(stop.reason), { once: true });
  const prompt = (await Promise.race([readAll(process.stdin), stopped.promise])).replace(/\r?\n$/, "");
  const problems = promptProblems(prompt);
  if (problems.length > 0) throw new StartupError(problems);
  return prompt;
}

if (import.meta.main) Deno.exit(await main().catch(exitCodeOf));
