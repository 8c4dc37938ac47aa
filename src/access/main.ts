/** `deno task keys`: see `deno task keys --help`. */
import { messageOf, StartupError } from "../core/errors.ts";
import { EXIT, exitCodeOf, ProgramError } from "../cli/exit.ts";
import { print, printError, write } from "../cli/output.ts";
import { plainTable } from "../cli/table.ts";
import { type Command, HELP, type NewKey, parseCommand } from "./command.ts";
import { changeKeyFile, type KeyRecord, LIMIT_NAMES, parseKeyFile, readKeyText } from "./key_file.ts";
import { hashOf, newKeyId, newKeyText, writtenHash } from "./key_text.ts";

async function main(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const command = parseCommand(args, env);
  if (command === "help") {
    print(HELP);
    return EXIT.done;
  }
  try {
    await perform(command);
    return EXIT.done;
  } catch (thrown) {
    throw notDone(command, thrown);
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

/** Prints the key after it is in the file, so that a printed key works. A key that can't be printed is removed again. */
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
  const columns = [
    ...["id", "tenant", "created", "operator"].map((head) => ({ head })),
    ...LIMIT_NAMES.map((name) => ({ head: name.replaceAll("_", " "), align: "right" as const })),
    { head: "note" },
  ];
  const rows = keys.map(({ id, tenant, created = "", operator, limits = {}, note = "" }) => {
    const figures = LIMIT_NAMES.map((name) => String(limits[name] ?? "-"));
    return [id, tenant, created, operator ? "yes" : "no", ...figures, note];
  });
  return plainTable(columns, rows);
}

/** Why a correct command failed. */
function notDone({ name, path }: Command, cause: unknown): ProgramError {
  if (cause instanceof StartupError) return new ProgramError(cause.message, EXIT.failed, { cause });
  const missing = name === "new" ? "can't be made: its folder is not there" : "is not there";
  const what = cause instanceof Deno.errors.NotFound ? missing : `can't be used: ${messageOf(cause)}`;
  return new ProgramError(`${path} ${what}`, EXIT.failed, { cause });
}

if (import.meta.main) Deno.exit(await main(Deno.args, Deno.env.toObject()).catch(exitCodeOf));
