/** Writes the tables that come from the code into the pages: `deno task docs`. */
import { backendsMarkdown } from "../src/config/backends.ts";
import { settingsMarkdown } from "../src/config/parse.ts";
import {
  CHAT_FIELDS,
  COMPLETION_FIELDS,
  MESSAGE_FIELDS,
  PART_FIELDS,
  STREAM_OPTIONS_FIELDS,
} from "../src/ingress/http/openai/fields.ts";
import type { Field, Fields } from "../src/ingress/http/openai/schema.ts";

/** The tables of each page, by the words after `<!-- ` that mark their place. */
const PAGES: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  "configuration.md": { "engine settings": settingsMarkdown, "backends": backendsMarkdown },
  "http.md": { "supported fields": supportedMarkdown, "refused fields": refusedMarkdown },
};

export const PAGE_NAMES = Object.keys(PAGES);

function pathOf(page: string): URL {
  return new URL(page, import.meta.url);
}

/** A page's text with its tables as they must be now. */
export function withTables(page: string, text: string): string {
  return Object.entries(PAGES[page] ?? {}).reduce((text, [name, table]) => {
    const place = new RegExp(`(<!-- ${name}:[^\\n]*-->\\n)[\\s\\S]*?(<!-- end -->)`);
    if (!place.test(text)) throw new Error(`${page} lacks the markers of its ${name}`);
    return text.replace(place, (_, start, end) => `${start}\n${table()}\n\n${end}`);
  }, text);
}

interface Row {
  readonly name: string;
  /** Where the field stands, if not in every body. */
  readonly where: string;
  readonly field: Field;
}

/** All fields of both endpoints, each once. */
function rows(): Row[] {
  const found: Row[] = [];
  const add = (fields: Fields, where: (name: string, field: Field) => string, path = "") => {
    for (const [name, field] of Object.entries(fields)) {
      found.push({ name: path + name, where: where(name, field), field });
    }
  };
  const others: Fields = COMPLETION_FIELDS;
  const chat: Fields = CHAT_FIELDS;
  const differs = (name: string, field: Field) =>
    (Object.hasOwn(others, name) ? others[name] : undefined) !== field;
  add(CHAT_FIELDS, (name, field) => differs(name, field) ? "chat" : "");
  add(
    Object.fromEntries(Object.entries(others).filter(([name, field]) => chat[name] !== field)),
    () => "completions",
  );
  add(STREAM_OPTIONS_FIELDS, () => "", "stream_options.");
  add(MESSAGE_FIELDS, () => "", "messages[].");
  add(PART_FIELDS, () => "", "messages[].content[].");
  return found;
}

function nameOf({ name, where }: Row): string {
  return `\`${name}\`${where && ` (${where})`}`;
}

function supportedMarkdown(): string {
  const lines = rows().flatMap((row) => {
    const { field } = row;
    if (!("kind" in field)) return [];
    const { kind, nothing = [], without } = field;
    const none = nothing.length > 0 ? ` (${valuesOf(nothing)})` : "";
    return [`| ${nameOf(row)} | ${kind.rule} | ${without}${none} |`];
  });
  return ["| field | takes | without it |", "|---|---|---|", ...lines].join("\n");
}

/** Those that are refused for the same reason share a line. */
function refusedMarkdown(): string {
  const byReason = new Map<string, string[]>();
  for (const row of rows()) {
    const { field } = row;
    if ("kind" in field) continue;
    const [reason, taken] = "idle" in field
      ? [`it is for ${field.idle}: taken whatever it holds, and passed over`, ""]
      : [field.why, field.nothing.length > 0 ? ` ${valuesOf(field.nothing)}` : ""];
    byReason.set(reason, [...byReason.get(reason) ?? [], nameOf(row) + taken]);
  }
  const lines = [...byReason].map(([reason, names]) => `| ${names.join(", ")} | ${reason} |`);
  return ["| field, and what is taken beside null | why no more |", "|---|---|", ...lines].join("\n");
}

function valuesOf(nothing: readonly unknown[]): string {
  return nothing.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
}

if (import.meta.main) {
  for (const page of PAGE_NAMES) {
    const path = pathOf(page);
    await Deno.writeTextFile(path, withTables(page, await Deno.readTextFile(path)));
  }
}
