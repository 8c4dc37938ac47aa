import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { summarizeRun } from "../metrics/summary.ts";
import { browserPath, launch } from "../../tests/support/bench/report_browser.ts";
import { chartsOf } from "./charts/charts_of.ts";
import { DARK, LIGHT } from "./charts/colours.ts";
import { modesInput, sweepInput } from "../../tests/support/bench/report_fixture.ts";
import { htmlReport } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { tablesOf } from "./tables.ts";

const executable = browserPath();
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 900 };

/** Like a test, and told as ignored where there is no browser. */
function browserTest(name: string, fn: (browser: Browser) => Promise<void>): void {
  Deno.test({
    name: executable === undefined ? `${name} (no chromium on PATH)` : name,
    ignore: executable === undefined,
    // playwright-core keeps its own timers and pipes until the process ends.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const browser = await launch(executable ?? "");
      try {
        await fn(browser);
      } finally {
        await browser.close();
      }
    },
  });
}

browserTest(
  "the page draws every chart, in light and dark, wide and on a phone, without a word to the network",
  async (browser) => {
    const modes = modesInput({ slo: { ttftMs: 100, e2eMs: 800 } });
    const looks: [ReportInput, BrowserContextOptions][] = [
      [modes, { viewport: DESKTOP, colorScheme: "light" }],
      [modes, { viewport: PHONE, colorScheme: "dark" }],
      [sweepInput(), { viewport: DESKTOP, colorScheme: "dark" }],
      [sweepInput(), { viewport: PHONE, colorScheme: "light" }],
    ];
    for (const [input, look] of looks) {
      await using file = await written(input);
      const { page, troubles } = await opened(browser, file.url, look);
      assert.deepEqual(await emptyPanels(page), []);
      assert.equal(
        await page.locator(".chart").count(),
        chartsOf(input).flatMap(({ panels }) => panels).length,
      );
      const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      assert.ok(Number(overflow) <= 0, `${JSON.stringify(look)}: ${overflow} px too wide`);
      assert.deepEqual(troubles, []);
      await page.context().close();
    }
  },
);

browserTest("the page's tables hold what the summary holds", async (browser) => {
  const fixture = modesInput({ slo: { ttftMs: 100 } });
  const input = { ...fixture, summary: summarizeRun(fixture.samples, fixture.plan) };
  await using file = await written(input);
  const { page } = await opened(browser, file.url, { viewport: DESKTOP });
  for (const { name, columns, rows } of tablesOf(input)) {
    const table = page.locator(`table[data-table="${name}"]`);
    assert.deepEqual(await table.locator("th").allTextContents(), columns.map(({ head }) => head));
    const shown = await table.locator("tbody tr").all();
    const texts = await Promise.all(shown.map((row) => row.locator("td").allTextContents()));
    assert.deepEqual(texts, rows, name);
  }
});

browserTest("charts follow when the reader changes the theme, and print in light", async (browser) => {
  await using file = await written(modesInput());
  const { page, troubles } = await opened(browser, file.url, { viewport: DESKTOP, colorScheme: "light" });
  const fill = () =>
    page.evaluate(`getComputedStyle(document.querySelector("#chart-e2e_percentiles rect[fill^=var]")).fill`);
  assert.equal(await fill(), rgbOf(LIGHT.variants[0]));
  await page.emulateMedia({ colorScheme: "dark" });
  assert.equal(await fill(), rgbOf(DARK.variants[0]));
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  assert.equal(await fill(), rgbOf(LIGHT.variants[0]));
  assert.deepEqual(troubles, []);
});

/** As a browser names the colour. */
function rgbOf(hex = ""): string {
  const parts = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return `rgb(${parts.join(", ")})`;
}

browserTest("a mark has its figures as its title, which a pointer shows", async (browser) => {
  await using file = await written(modesInput());
  const { page } = await opened(browser, file.url, { viewport: DESKTOP, colorScheme: "light" });
  const title = await page.locator("#chart-e2e_percentiles rect title").first().textContent();
  assert.match(title ?? "", /^variant: direct\nat: p50\nE2E latency, ms: [\d.]+\n95 % from: [\d.]+\n/);
});

browserTest("what names hold does not run", async (browser) => {
  const name = "</script><script>globalThis.broken=1</script><img src=x onerror='globalThis.broken=1'>";
  await using file = await written(
    modesInput({ variants: [{ name, mode: "direct", settings: {} }] }),
  );
  const { page, troubles } = await opened(browser, file.url, { viewport: DESKTOP });
  assert.equal(await page.evaluate("globalThis.broken"), undefined);
  assert.deepEqual(troubles, []);
});

async function written(input: ReportInput): Promise<{ readonly url: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "omnispan-report-" });
  const path = join(folder, "report.html");
  await Deno.writeTextFile(path, await htmlReport(input));
  return {
    url: pathToFileURL(path).href,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** A page, with all that went wrong in it: any request counts, too. */
async function opened(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
): Promise<{ page: Page; troubles: string[] }> {
  const troubles: string[] = [];
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => troubles.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) {
      troubles.push(`request: ${request.url()}`);
    }
  });
  await page.goto(url);
  return { page, troubles };
}

/** The panels in which no mark was drawn; those of axes, grids and rules at 0 do not count. */
function emptyPanels(page: Page): Promise<unknown> {
  return page.evaluate(`[...document.querySelectorAll(".chart")]
    .filter((chart) => !chart.querySelector("title"))
    .map((chart) => chart.ariaLabel)`);
}
