/** Writes the table of engine settings into configuration.md: `deno task docs`. */
import { settingsMarkdown } from "../src/config.ts";

export const CONFIGURATION = new URL("configuration.md", import.meta.url);

const TABLE = /(<!-- engine settings:[^\n]*-->\n)[\s\S]*?(<!-- end -->)/;

/** The page with the table as it must be now. */
export function withSettings(page: string): string {
  if (!TABLE.test(page)) throw new Error("configuration.md lacks the markers of the engine settings");
  return page.replace(TABLE, (_, start, end) => `${start}\n${settingsMarkdown()}\n\n${end}`);
}

if (import.meta.main) {
  await Deno.writeTextFile(CONFIGURATION, withSettings(await Deno.readTextFile(CONFIGURATION)));
}
