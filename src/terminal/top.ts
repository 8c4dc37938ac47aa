/** `deno task top`: a running engine in the terminal. Exit codes: see the help. */
import { EngineHttp, EXIT, exitCodeOf } from "./engine_http.ts";
import { coloured, plain } from "./line.ts";
import type { EngineError } from "../live/engine_client.ts";
import { followLive, type LiveEvent } from "../live/follow.ts";
import { oneLine } from "../live/format.ts";
import { after, type LiveState } from "../live/state.ts";
import { printError, write } from "../cli/output.ts";
import { Screen } from "./screen.ts";
import { StopSignal } from "../cli/stop_signal.ts";
import { parseTop, TOP_HELP } from "./top_command.ts";
import { topLines, topText } from "./top_view.ts";

/** The size of a snapshot that goes to a file or a pipe. */
const PAPER = { columns: 120, rows: 60 };
const CTRL_C = "\x03";

async function main(): Promise<number> {
  const env = Deno.env.toObject();
  const command = parseTop(Deno.args, env, Deno.stdout.isTerminal() && env.TERM !== "dumb");
  if (command === "help") {
    write(TOP_HELP + "\n");
    return EXIT.done;
  }
  using stop = new StopSignal();
  using engine = new EngineHttp(command.target);
  try {
    switch (command.shows) {
      case "once":
        return await once(engine, stop.signal);
      case "json":
        return await json(engine, command.count, stop.signal);
      case "screen":
        return await screen(engine, stop);
      default:
        return command.shows satisfies never;
    }
  } catch (thrown) {
    if (stop.signal.aborted) return EXIT.stopped;
    throw thrown;
  }
}

async function once(engine: EngineHttp, stop: AbortSignal): Promise<number> {
  for await (const event of follow(engine, stop)) {
    const state = after(undefined, event, Date.now());
    if (!state) continue;
    const size = Deno.stdout.isTerminal() ? { ...PAPER, columns: Deno.consoleSize().columns } : PAPER;
    write(topText(state, { ...size, url: engine.url, hint: "", at: Date.now() }) + "\n");
    break;
  }
  return EXIT.done;
}

async function json(engine: EngineHttp, count: number, stop: AbortSignal): Promise<number> {
  let lines = 0;
  for await (const event of follow(engine, stop)) {
    if (event.kind === "lost") {
      printError(`connection to ${engine.url} lost (${oneLine(event.why)}); trying again`);
      continue;
    }
    write(JSON.stringify(event.kind === "hello" ? event.hello.tick : event.tick) + "\n");
    if (++lines >= count) break;
  }
  return EXIT.done;
}

/** An engine that was there once is waited for. */
function follow(engine: EngineHttp, stop: AbortSignal): AsyncGenerator<LiveEvent> {
  const mayPass = ({ kind, status = 0 }: EngineError, hasConnected: boolean) =>
    hasConnected && (kind === "unreachable" || status === 429 || status >= 500);
  return followLive(engine, stop, { mayPass });
}

/** Paints until q, Ctrl-C or a signal. A failure before the first picture leaves the terminal as it was. */
async function screen(engine: EngineHttp, stop: StopSignal): Promise<number> {
  const { url } = engine;
  const line = Deno.noColor ? plain : coloured;
  const quit = new AbortController();
  let state: LiveState | undefined;
  using stack = new DisposableStack();
  let terminal: Screen | undefined;
  const paint = () => {
    if (!state || !terminal) return;
    const look = { ...terminal.size, url, hint: "q quits", at: Date.now() };
    if (!terminal.paint(topLines(state, look).map(line))) quit.abort();
  };
  const open = () => {
    terminal = stack.use(new Screen(paint));
    void watchKeys(terminal, () => quit.abort(), stop.ask);
    const whileLost = setInterval(() => state?.lost && paint(), 1000);
    stack.defer(() => clearInterval(whileLost));
  };
  try {
    for await (const event of follow(engine, AbortSignal.any([stop.signal, quit.signal]))) {
      state = after(state, event, Date.now());
      if (!terminal) open();
      paint();
    }
  } catch (thrown) {
    if (quit.signal.aborted) return EXIT.done;
    throw thrown;
  }
  return EXIT.done;
}

async function watchKeys(terminal: Screen, quit: () => void, interrupt: () => void): Promise<void> {
  for await (const key of terminal.keys()) {
    if (key === "q" || key === "Q") quit();
    else if (key === CTRL_C) interrupt(); // in raw mode the terminal sends no signal
  }
}

if (import.meta.main) Deno.exit(await main().catch(exitCodeOf));
