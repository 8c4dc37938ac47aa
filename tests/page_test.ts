/** The live page in a real browser, against a real engine and worker. */
import assert from "node:assert/strict";
import type { Settings } from "../src/config/config.ts";
import { KeyFile } from "./support/api_keys.ts";
import { browserTest, LivePage } from "./support/browser.ts";
import { httpEngineFor, TestClient, type TestEngine } from "./support/engine.ts";
import { MixedLoad } from "./support/mixed_load.ts";
import { freePort } from "../src/serve/free_port.ts";
import { Serve } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { helloOf, metricsOf } from "./support/engine_figures.ts";
import { waitUntil } from "./support/wait.ts";

const LONG = 4000;
const PHONE = { width: 360, height: 740 };
const MICRO_BATCH = { ENGINE_MODE: "micro_batch", MAX_BATCH_SIZE: 4, BATCH_WINDOW_MS: 20 } as const;

interface Site {
  readonly engine: TestEngine;
  readonly live: LivePage;
}

/** Of all engines below but the first; its steps take 20 ms. */
let worker: Promise<SimWorker> | undefined;

Deno.test.afterAll(async () => await (await worker)?.[Symbol.asyncDispose]());

async function engineWith(changes: Partial<Settings> = {}): Promise<TestEngine> {
  worker ??= SimWorker.start({ profile: { stepMs: 20 } });
  const engine = await httpEngineFor((await worker).address, { MAX_TOKENS_LIMIT: LONG, ...changes });
  await engine.connected();
  return engine;
}

function pageTest(name: string, settings: Partial<Settings>, fn: (site: Site) => Promise<void>): void {
  browserTest(name, async () => {
    await using engine = await engineWith(settings);
    await using live = await LivePage.live(engine.url);
    await fn({ engine, live });
  });
}

browserTest(
  "under load, and through the loss of its worker, the page shows the engine's own figures",
  async (t) => {
    const profile = await Deno.makeTempFile({ suffix: ".json" });
    await using _ = { [Symbol.asyncDispose]: () => Deno.remove(profile) };
    await Deno.writeTextFile(
      profile,
      JSON.stringify({ source: "a test", step_ms: [[1, 10]], max_rows: 64 }),
    );
    const env = Object.entries(MICRO_BATCH).map(([name, value]) => [name, String(value)]);
    await using serve = new Serve({
      env: { ...Object.fromEntries(env), BATCHES_IN_FLIGHT: "8", SIM_PROFILE: profile },
    });
    const url = await serve.httpUrl();
    await using client = new TestClient(await serve.address());
    await using live = await LivePage.live(url);
    {
      await using _load = new MixedLoad(client, url);

      await t.step("it says that all is well, and what runs", async () => {
        await waitUntil("answers come", async () => await live.number("ok") > 30);
        assert.equal(await live.figure("health"), "ok");
        await live.says("#health", /Healthy The worker serves; \d+ requests ended/);
        await live.says("#mode", /^micro_batch$/);
        await live.says("#worker-brief", /Worker up sim, .*Simulated/);
        assert.equal(await live.figure("workerState"), "up");
        assert.equal(await live.figure("restarts"), "0");
        assert.ok(await live.number("rate") > 0 && await live.number("tokens") > 0);
        assert.ok(await live.number("ttftP50") > 0 && await live.number("e2eP95") > 0);
      });

      await t.step("a killed worker shows while it is gone, and so does its return", async () => {
        Deno.kill(serve.workerPid(), "SIGKILL");
        await live.becomes("workerState", /^down$/);
        assert.equal(await live.figure("health"), "down");
        await live.says("#health", /Down No worker/);
        await live.says("#worker-brief", /Worker down/);
        await live.becomes("workerState", /^up$/);
        await live.becomes("restarts", /^1$/);
        await live.becomes("health", /^(ok|degraded)$/);
        const ok = await live.number("ok");
        await waitUntil("answers come again", async () => await live.number("ok") > ok);
      });
    }

    await t.step("once the load has ended its figures are those of /metrics", async () => {
      await client.settled();
      const { queueDepth, inFlight, ...totals } = await metricsOf(url);
      assert.deepEqual([queueDepth, inFlight], [0, 0]);
      // Whether any was at the worker when that was killed is chance; what was sent again is compared below.
      assert.ok(totals.failed! > 0 && totals.restarts === 1, JSON.stringify(totals));
      const names = Object.keys(totals);
      let shown: Record<string, number> = {};
      await waitUntil("the page has the last second", async () => {
        const figures = ["queueDepth", "inFlight", ...names];
        shown = Object.fromEntries(
          await Promise.all(figures.map(async (name) => [name, await live.number(name)])),
        );
        return shown["accepted"] === totals.accepted && shown["inFlight"] === 0;
      });
      assert.deepEqual(shown, { queueDepth: 0, inFlight: 0, ...totals });
    });

    await t.step("the timeline has the last batches, and shows for each who waited how long", async () => {
      const { batches } = await helloOf(url);
      const newest = batches.slice(-20).reverse();
      const rows = live.at("#timeline .batch:visible");
      const expected = newest.map(({ id, reason }) => `#${id}${reason}`);
      await waitUntil("the timeline has them", async () => {
        const shown = (await rows.allTextContents()).map((text) => /^#\d+[a-z]+/.exec(text)?.[0]);
        return shown.join() === expected.join();
      });
      assert.ok(new Set(newest.map(({ reason }) => reason)).size > 0);
      await rows.nth(3).hover();
      const { id, waitsMs } = newest[3]!;
      await live.says("#batch-readout", new RegExp(`^Batch ${id} \\(micro_batch\\), ${waitsMs.length} of 4`));
      assert.equal(await live.at("#batch-readout b").count(), waitsMs.length);
      await live.page.mouse.move(0, 0);
      await live.at("#timeline").focus();
      await live.page.keyboard.press("End");
      await live.says("#batch-readout", new RegExp(`^Batch ${newest.at(-1)!.id} `));
      await live.page.keyboard.press("ArrowUp");
      await live.says("#batch-readout", new RegExp(`^Batch ${newest.at(-2)!.id} .* because .*; ran `));
    });

    live.untroubled();
  },
);

pageTest("running and waiting requests stand in the table with their phase, and leave it", {
  ENGINE_MODE: "queued",
  QUEUED_CONCURRENCY: 2,
}, async ({ engine, live }) => {
  const asked = { tenantId: "<b>acme</b>", maxTokens: LONG };
  const stream = engine.stream({ ...asked, requestId: "a stream", prompt: "a" });
  const { call } = engine.submitCall({ ...asked, requestId: "in one piece", prompt: "b" });
  await waitUntil("both run", async () => (await engine.stats()).inFlight === 2);
  const waiting = engine.stream({ ...asked, requestId: "one that waits", prompt: "c" });
  const row = (id: string) => `#requests tr:has(td.id:text-is("${id}"))`;
  await live.says(row("a stream"), /<b>acme<\/b>grpcqueueddecode.*[1-9]\d* \/ 4,000$/);
  await live.says(row("in one piece"), /grpcqueuedrunning.*up to 4,000$/);
  await live.says(row("one that waits"), /grpcqueuedqueued.*0 \/ 4,000$/);
  await live.says("#requests-count", /^3$/);
  assert.deepEqual([await live.figure("queueDepth"), await live.figure("inFlight")], ["1", "2"]);
  for (const each of [stream.call, call, waiting.call]) each.cancel();
  await live.says("#requests-empty", /No request is in the engine/);
  live.untroubled();
});

pageTest(
  "held figures stand still and then catch up; Space holds them, but not in a field",
  {},
  async ({ engine, live }) => {
    const pressed = () => live.at("#pause").getAttribute("aria-pressed");
    await live.page.keyboard.press("Space");
    assert.equal(await pressed(), "true");
    await live.says("#held", /^held at \d\d:/);
    await engine.submit({ prompt: "hi", maxTokens: 2 });
    // When the second page shows it, the event has gone to the held one too.
    await using other = await LivePage.live(engine.url);
    await other.becomes("ok", /^1$/);
    const uptime = await other.at("#uptime").textContent();
    await waitUntil("one more second", async () => await other.at("#uptime").textContent() !== uptime);
    assert.equal(await live.figure("ok"), "0");
    await live.at("#pause").click();
    assert.equal(await pressed(), "false");
    await live.becomes("ok", /^1$/);
    await live.at("#ask-user").fill("one");
    await live.page.keyboard.press("Space");
    assert.equal(await live.at("#ask-user").inputValue(), "one ");
    assert.equal(await pressed(), "false");
    await live.at("#pause").focus();
    await live.page.keyboard.press("Space");
    assert.equal(await pressed(), "true", "Space on the button presses it once");
    live.untroubled();
  },
);

pageTest(
  "the playground streams an answer with its times, compares two modes, stops, and says what failed",
  {
    ...MICRO_BATCH,
  },
  async ({ engine, live }) => {
    const state = (run: number) => live.at("article.run").nth(run).getAttribute("data-state");
    const ended = (run: number, how: string) =>
      waitUntil(`run ${run} has ${how}`, async () => await state(run) === how);
    const ask = live.at("#ask-run");

    await live.at("#ask-max-tokens").fill("12");
    await ask.click();
    await ended(0, "ended");
    const { responseText } = await engine.submit({ prompt: "Why is the sky blue?", maxTokens: 12 });
    assert.equal(await live.at(".run .answer").textContent(), responseText);
    for (const name of ["ttft", "rate", "e2e"]) {
      for (const clock of ["browser", "engine"]) {
        assert.match(await live.at(`[data-run="${name}-${clock}"]`).textContent() ?? "", /^\d/, name + clock);
      }
    }
    await live.says(
      ".run .note",
      /^micro_batch: left in batch \d+ with 1 in it, because its first request had waited the window out/,
    );
    assert.match(await live.at(".run .ledger").getAttribute("aria-label") ?? "", /batch .* decode /);

    await live.at("#ask-compare").check();
    await live.at("#ask-other").selectOption("continuous");
    await live.at("#ask-max-tokens").fill("40");
    await ask.click();
    await waitUntil("both run at once", async () => (await engine.stats()).inFlight === 2);
    await Promise.all([ended(0, "ended"), ended(1, "ended")]);
    const notes = await live.at(".run .note").allTextContents();
    assert.match(
      notes[0]!,
      /^micro_batch: left in batch .* because its first request had waited the window out/,
    );
    assert.match(notes[1]!, /^continuous: left in batch .* because places were free at the worker/);
    await live.at("#ask-compare").uncheck();

    await live.at("#ask-max-tokens").fill(String(LONG));
    await ask.click();
    await live.says(".run .answer", /\w/);
    await live.at("#ask-stop").click();
    await ended(0, "stopped");
    await waitUntil("its row is free", async () => (await engine.stats()).inFlight === 0);
    const [broken = "", ...others] = live.troubles.splice(0);
    assert.match(broken, /^failed: POST .* net::ERR_ABORTED$/);
    assert.deepEqual(others, []);

    await live.at("#ask-max-tokens").fill(String(LONG + 1));
    await ask.click();
    await ended(0, "failed");
    await live.says(".run .trouble", /max_tokens must be .*4000.*4001/);
    assert.ok(live.troubles.every((trouble) => /\b400\b/.test(trouble)), live.troubles.join("\n"));
  },
);

browserTest(
  "with API keys the page asks for one, asks a tenant for an operator's, and takes that",
  async () => {
    await using file = await KeyFile.create();
    const [tenant, operator] = await Promise.all([file.add("alice"), file.add("ops", "--operator")]);
    await using engine = await engineWith({ API_KEYS_FILE: file.path });
    await using live = await LivePage.open(engine.url);
    const give = async (key: string) => {
      await live.at("#key-text").fill(key);
      await live.page.keyboard.press("Enter");
    };
    await live.says("#key", /no API key was given/);
    await give("omk_wrong");
    await live.says("#key", /the API key is not valid/);
    await give(tenant);
    await live.says("#key", /this needs the key of an operator/);
    await live.says("#connection", /shows its figures only with/);
    await waitUntil(
      "a tenant may ask all the same",
      async () => await live.at("#ask-model option").count() === 1,
    );
    await live.at("#ask-run").click();
    await live.says(".run header", /ended: length/);
    await give(operator);
    await live.becomes("ok", /^1$/);
    assert.equal(await live.at("#key").isVisible(), false);
    assert.equal(await live.at("#connection").isVisible(), false);
    const [metrics] = await Promise.all([
      live.page.context().waitForEvent("page"),
      live.at("#metrics").click(),
    ]);
    await waitUntil(
      "the metrics are shown",
      async () => /omnispan_requests_total/.test(await metrics.textContent("body") ?? ""),
    );
    await live.page.reload();
    await live.becomes("ok", /^1$/);
    assert.equal(await live.at("#key").isVisible(), false);
  },
);

browserTest(
  "a page says that it has lost the engine, and follows the next one at the same place",
  async () => {
    const port = freePort();
    await using worker = await SimWorker.start();
    const first = await httpEngineFor(worker.address, { HTTP_PORT: port });
    await using live = await LivePage.live(first.url);
    try {
      await first.connected();
      await first.submit({ prompt: "hi", maxTokens: 2 });
      await live.becomes("ok", /^1$/);
    } finally {
      await first[Symbol.asyncDispose]();
    }
    await live.says("#connection", /^Connection lost, trying again .* The figures are of \d\d:/);
    assert.match(await live.at("#live").getAttribute("class") ?? "", /stale/);
    await using next = await httpEngineFor(worker.address, {
      HTTP_PORT: port,
      ENGINE_MODE: "continuous",
    });
    await next.connected();
    await live.says("#mode", /^continuous$/);
    await live.becomes("ok", /^0$/);
    assert.equal(await live.at("#connection").isVisible(), false);
    assert.doesNotMatch(await live.at("#live").getAttribute("class") ?? "", /stale/);
  },
);

pageTest("on a phone nothing is moved sideways, in the light and in the dark", {
  ...MICRO_BATCH,
}, async ({ engine, live }) => {
  await using _load = new MixedLoad(engine, engine.url);
  const looks = await Promise.all((["light", "dark"] as const).map(async (colorScheme) => {
    await using phone = await LivePage.live(engine.url, { viewport: PHONE, colorScheme });
    await waitUntil("answers come", async () => await phone.number("ok") > 10);
    await phone.at("#ask-compare").check();
    await phone.at("#ask-run").click();
    await phone.says(".run .answer", /\w/);
    await phone.at("#settings-panel summary").click();
    await phone.seeCharts();
    assert.equal(await phone.tooWide(), 0, colorScheme);
    phone.untroubled();
    return await phone.page.evaluate("getComputedStyle(document.body).backgroundColor");
  }));
  assert.notEqual(looks[0], looks[1]);
  live.untroubled();
});
