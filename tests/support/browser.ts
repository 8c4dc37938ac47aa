/** The live page in a headless Chromium. Tests that need one are ignored where there is none. */
import assert from "node:assert/strict";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { browserPath, launch } from "./bench/report_browser.ts";
import { waitUntil } from "./wait.ts";

const executable = browserPath();
const DESKTOP = { width: 1280, height: 900 };
const ACTION_MS = 60_000;

let browser: Promise<Browser> | undefined;

/** A test with a browser, which all tests of a file share. */
export function browserTest(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({
    name: executable === undefined ? `${name} (no chromium on PATH)` : name,
    ignore: executable === undefined,
    // playwright-core and grpc-js keep timers and pipes of their own.
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });
}

Deno.test.afterAll(async () => {
  await (await browser)?.close();
  browser = undefined;
});

/** The page of one engine, and all that went wrong in it. */
export class LivePage implements AsyncDisposable {
  /** Words in the console, breaches of the policy, answers that are no success and requests that failed. */
  readonly troubles: string[] = [];

  private constructor(readonly page: Page) {
    page.setDefaultTimeout(ACTION_MS);
    page.on("console", (message) => this.troubles.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => this.troubles.push(String(error)));
    page.on("requestfailed", (request) => {
      this.troubles.push(`failed: ${request.method()} ${request.url()} ${request.failure()?.errorText}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) this.troubles.push(`${response.status()}: ${response.url()}`);
    });
  }

  static async open(url: string, look: BrowserContextOptions = {}): Promise<LivePage> {
    browser ??= launch(executable ?? "");
    const context = await (await browser).newContext({ viewport: DESKTOP, ...look });
    const opened = new LivePage(await context.newPage());
    await opened.page.goto(url);
    return opened;
  }

  /** With the first figures of the engine in it. */
  static async live(url: string, look: BrowserContextOptions = {}): Promise<LivePage> {
    const opened = await LivePage.open(url, look);
    await opened.becomes("accepted", /./);
    return opened;
  }

  at(selector: string): Locator {
    return this.page.locator(selector);
  }

  /** The raw figure of this name; undefined while there is none. */
  async figure(name: string): Promise<string | undefined> {
    return await this.at(`[data-figure="${name}"]`).getAttribute("data-value") ?? undefined;
  }

  async number(name: string): Promise<number> {
    return Number(await this.figure(name));
  }

  becomes(name: string, value: RegExp): Promise<void> {
    return waitUntil(
      `the page's ${name} is ${value}`,
      async () => value.test(await this.figure(name) ?? ""),
    );
  }

  /** Until the first element of the selector is to be seen and says so, whatever white space is in it. */
  says(selector: string, text: RegExp): Promise<void> {
    return waitUntil(`${selector} says ${text}`, async () => {
      const element = this.at(selector).first();
      return await element.isVisible() &&
        text.test((await element.textContent() ?? "").trim().replace(/\s+/g, " "));
    });
  }

  /** What the reader must move it sideways for, in pixels. */
  async tooWide(): Promise<number> {
    return Number(await this.page.evaluate("document.documentElement.scrollWidth - innerWidth"));
  }

  /** Goes to each chart until it is drawn; those out of sight need not be. */
  async seeCharts(): Promise<void> {
    const charts = await this.at(".chart").all();
    for (const [index, chart] of charts.entries()) {
      await chart.scrollIntoViewIfNeeded();
      const drawn = () =>
        this.page.evaluate(`[...document.querySelectorAll(".chart canvas")]
        .slice(${index}, ${index + 1}).some((canvas) => canvas.getContext("2d")
          .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))`);
      await waitUntil(`chart ${index} is drawn`, async () => await drawn() === true);
    }
  }

  untroubled(): void {
    assert.deepEqual(this.troubles, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
