import { type Browser, chromium } from "playwright-core";
import { pathOf } from "../commands.ts";

/** The browser for tests: CHROMIUM, or the first of these on PATH. Undefined: there is none. */
export function browserPath(): string | undefined {
  return Deno.env.get("CHROMIUM") || pathOf("chromium", "chromium-browser", "google-chrome");
}

/** A headless browser that talks to nobody by itself. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
