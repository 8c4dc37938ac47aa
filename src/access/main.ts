/** `deno task keys`: see `deno task keys --help`. */
import Table from "cli-table3";
import { messageOf, StartupError } from "../core/errors.ts";
import { print, printError, write } from "../cli/output.ts";
import { changeKeyFile } from "./change_key_file.ts";
import { type Command, HELP, type NewKey, parseCommand } from "./command.ts";
import { type KeyRecord, LIMIT_NAMES, parseKeyFile, readKeyText } from "./key_file.ts";
import { hashOf, newKeyId, newKeyText, writtenHash } from "./key_text.ts";

const EXIT = { done: 0, notDone: 1, wrongUse: 2 } as const;

async function main(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  let command: Command | "help";
  try {
    command = parseCommand(args, env);
  } catch (thrown) {
    return failed(thrown, EXIT.wrongUse);
  }
  if (command === "help") {
    print(HELP);
    return EXIT.done;
  }
  try {
    await perform(command);
    return EXIT.done;
  } catch (thrown) {
    return failed(thrown instanceof StartupError ? thrown : problemOf(command, thrown), EXIT.notDone);
  }
}

async function perform(command: Command): Promise<void> {
  switch (command.name) {
    case "new":
      return await add(command.path, command.key);
    case "list":
      return await list(command.path);
    case "revoke":
      return await revoke(command.path, command.id);
    default:
      return command satisfies never;
  }
}

/** The key is printed once it is in the file, so that what was printed works; without a reader it is of no use. */
async function add(path: string, { tenant, note, limits, operator }: NewKey): Promise<void> {
  let id = newKeyId();
  let keyText = "";
  await changeKeyFile(path, { create: true }, ({ keys }) => {
    while (keys.some((key) => key.id === id)) id = newKeyId();
    keyText = newKeyText(id);
    const key: KeyRecord = {
      id,
      hash: writtenHash(hashOf(keyText)),
      tenant,
      ...(note !== undefined && { note }),
      created: new Date().toISOString().slice(0, 10),
      ...(Object.keys(limits).length > 0 && { limits }),
      ...(operator && { operator }),
    };
    return { keys: [...keys, key] };
  });
  try {
    write(keyText + "\n");
  } catch (cause) {
    await takeOut(path, id);
    const why = `the key could not be shown (${messageOf(cause)}), so ${path} does not keep it`;
    throw new StartupError([why], { cause });
  }
  printError(
    `Key ${id} of tenant ${tenant} is in ${path}. It is shown only now: the file has no more than its hash.`,
  );
}

async function revoke(path: string, id: string): Promise<void> {
  await takeOut(path, id);
  printError(`Key ${id} is out of ${path}. A running engine refuses it within two seconds.`);
}

async function takeOut(path: string, id: string): Promise<void> {
  await changeKeyFile(path, { create: false }, ({ keys }) => {
    const left = keys.filter((key) => key.id !== id);
    if (left.length === keys.length) {
      throw new StartupError([`keys revoke needs the id of a key in ${path}, got ${JSON.stringify(id)}`]);
    }
    return { keys: left };
  });
}

async function list(path: string): Promise<void> {
  const { keys } = parseKeyFile(await readKeyText(path), path);
  print(keys.length === 0 ? `${path} has no keys` : tableOf(keys));
}

function tableOf(keys: readonly KeyRecord[]): string {
  const none = { top: "", bottom: "", left: "", right: "", mid: "", middle: "  " };
  const corners = { "top-mid": "", "top-left": "", "top-right": "", "bottom-mid": "", "bottom-left": "" };
  const table = new Table({
    head: [
      "id",
      "tenant",
      "created",
      "operator",
      ...LIMIT_NAMES.map((name) => name.replaceAll("_", " ")),
      "note",
    ],
    colAligns: ["left", "left", "left", "left", ...LIMIT_NAMES.map(() => "right" as const), "left"],
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
    chars: { ...none, ...corners, "bottom-right": "", "left-mid": "", "right-mid": "", "mid-mid": "" },
  });
  for (const { id, tenant, created = "", operator, limits = {}, note = "" } of keys) {
    const figures = LIMIT_NAMES.map((name) => String(limits[name] ?? "-"));
    table.push([id, tenant, created, operator ? "yes" : "no", ...figures, note]);
  }
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

function problemOf({ name, path }: Command, thrown: unknown): StartupError {
  const missing = name === "new" ? "can't be made: its folder is not there" : "is not there";
  const what = thrown instanceof Deno.errors.NotFound ? missing : `can't be used: ${messageOf(thrown)}`;
  return new StartupError([`${path} ${what}`], { cause: thrown });
}

function failed(thrown: unknown, code: number): number {
  if (!(thrown instanceof StartupError)) throw thrown;
  thrown.problems.forEach(printError);
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args, Deno.env.toObject()));
