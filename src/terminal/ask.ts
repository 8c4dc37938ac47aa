/** `deno task ask`: one question to a running engine, its answer as it comes. Exit codes: see the help. */
import { text as readAll } from "node:stream/consumers";
import process from "node:process";
import { StartupError } from "../core/errors.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { ASK_HELP, type AskCommand, parseAsk, promptProblems } from "./ask_command.ts";
import { answerJson, answerLine } from "./ask_report.ts";
import { ClientError, EXIT } from "./client_error.ts";
import { bytesOf } from "../runtime_patches/response_body.ts";
import { EngineHttp } from "./engine_http.ts";
import { exitCodeOf } from "../cli/exit.ts";
import { firstModel } from "./first_model.ts";
import { printError, write } from "../cli/output.ts";
import { StopSignal } from "../cli/stop_signal.ts";
import { withoutControls } from "./words.ts";

/** The engine's own word on a passed deadline may come so much after it. */
const GRACE_MS = 1000;

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
  try {
    const onText = json ? () => {} : (piece: string) => shown.add(piece);
    const answer = await completion(engine, command, model, prompt, signal, onText);
    if (json) write(answerJson(answer) + "\n");
    else {
      shown.endLine("always");
      printError(answerLine(answer));
    }
    return EXIT.done;
  } catch (thrown) {
    shown.endLine("if begun"); // so that what went wrong has a line of its own
    if (time?.aborted && !stop.aborted) {
      throw new ClientError("refused", `no complete answer came within ${timeoutMs} ms (--timeout)`);
    }
    throw thrown;
  }
}

async function completion(
  engine: EngineHttp,
  { raw, system, sampling, modeHint, tenant, timeoutMs }: AskCommand,
  model: string,
  prompt: string,
  signal: AbortSignal,
  onText: (piece: string) => void,
): Promise<Answer> {
  const messages = [
    ...(system === undefined ? [] : [{ role: "system", content: system }]),
    { role: "user", content: prompt },
  ];
  const sentAt = performance.now();
  const response = await engine.send(raw ? "/v1/completions" : "/v1/chat/completions", {
    body: {
      model,
      ...(raw ? { prompt } : { messages }),
      ...sampling,
      stream: true,
      stream_options: { include_usage: true },
    },
    headers: {
      ...(modeHint !== undefined && { "omnispan-mode": modeHint }),
      ...(tenant !== undefined && { "omnispan-tenant": tenant }),
      ...(timeoutMs !== undefined && { "omnispan-timeout-ms": String(timeoutMs) }),
    },
    signal,
  });
  if (!response.body) throw new ClientError("refused", "the engine answered without a body");
  return await readAnswer(bytesOf(response.body, signal), sentAt, onText);
}

/** The answer on stdout; a terminal gets no control characters, whatever the model made up. */
class ShownText {
  #last = "";

  add(piece: string): void {
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
