import { format } from "node:util";
import {
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogRecord,
} from "@logtape/logtape";
import { stderrLines } from "./line_writer.ts";

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
export const LOG_FORMATS = ["text", "json"] as const;

export interface LoggingOptions {
  readonly LOG_LEVEL: (typeof LOG_LEVELS)[number];
  readonly LOG_FORMAT: (typeof LOG_FORMATS)[number];
}

/**
 * Sends the logs of this thread to stderr; stdout is left to what a program is asked to print. Records carry
 * request ids and modes, never a prompt or an answer. Nothing waits for the reader of stderr: what libraries say
 * to the console, which would, goes the same way.
 */
export function configureLogging({ LOG_LEVEL, LOG_FORMAT }: LoggingOptions): void {
  const toLine = LOG_FORMAT === "json" ? getJsonLinesFormatter({ message: "rendered" }) : formatText;
  configureSync({
    reset: true,
    sinks: { stderr: (record: LogRecord) => stderrLines.write(toLine(record)) },
    loggers: [
      { category: "omnispan", sinks: ["stderr"], lowestLevel: LOG_LEVEL },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
    ],
  });
  stderrLines.describeDropped = (count) => toLine(dropped(count));
  const log = getLogger(["omnispan", "console"]);
  const warn = (...parts: unknown[]) => log.warn("{text}", { text: format(...parts) });
  Object.assign(console, { debug: warn, error: warn, info: warn, log: warn, trace: warn, warn });
}

function dropped(count: number): LogRecord {
  return {
    category: ["omnispan", "log"],
    level: "warning",
    timestamp: Date.now(),
    rawMessage: "{count} lines were dropped here: nobody read stderr",
    message: ["", count, " lines were dropped here: nobody read stderr"],
    properties: { count },
  };
}

/** A record as one line for people, whatever a client or the worker put into its values. */
export const formatText = getTextFormatter({
  timestamp: "rfc3339",
  value: onOneLine,
  format: withProperties,
});

function onOneLine(value: unknown): string {
  return String(value).replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

interface TextParts {
  readonly timestamp: string | null;
  readonly level: string;
  readonly category: string;
  readonly message: string;
  readonly record: LogRecord;
}

/** The line a person reads, with the ids that the message itself does not name. */
function withProperties({ timestamp, level, category, message, record }: TextParts): string {
  const properties = Object.entries(record.properties)
    .filter(([name]) => !record.rawMessage.includes(`{${name}}`))
    .map(([name, value]) => ` ${name}=${onOneLine(value)}`)
    .join("");
  return `${timestamp} ${level} ${category}: ${message}${properties}`;
}
