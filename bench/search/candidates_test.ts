import assert from "node:assert/strict";
import { parseSettings } from "../../src/config/parse.ts";
import { MODES } from "../../src/core/modes/modes.ts";
import { ENGINE_DEFAULTS } from "../cli/command.ts";
import type { Variant } from "../plan.ts";
import { defaultCandidates, serveCommand, simplest } from "./candidates.ts";

Deno.test("the grid has all modes and goes up to what the worker runs at once", () => {
  const streams = (rows: number | null) =>
    defaultCandidates(["continuous"], rows).map(({ settings }) => settings.MAX_CONCURRENT_STREAMS);
  assert.deepEqual(streams(128), [2, 4, 8, 16, 32, 64, 128]);
  assert.deepEqual(streams(8), [1, 2, 4, 8]);
  assert.deepEqual(streams(1), [1]);
  assert.deepEqual(streams(null), [1, 2, 4, 8, 16, 32, 64]);
  for (const rows of [null, 1, 8, 100, 4096]) {
    const grid = defaultCandidates(MODES, rows);
    assert.equal(new Set(grid.map(({ name }) => name)).size, grid.length);
    assert.deepEqual(new Set(grid.map(({ mode }) => mode)), new Set(MODES));
    assert.ok(grid.length <= 24);
  }
});

Deno.test("the simplest has the fewest settings, then puts the least on the worker", () => {
  const named = (mode: Variant["mode"], settings: Variant["settings"]): Variant => ({
    mode,
    settings,
    name: JSON.stringify([mode, settings]),
  });
  const direct = named("direct", {});
  const few = named("continuous", { MAX_CONCURRENT_STREAMS: 8 });
  const many = named("continuous", { MAX_CONCURRENT_STREAMS: 32 });
  const batch = named("micro_batch", { MAX_BATCH_SIZE: 4, BATCH_WINDOW_MS: 5 });
  assert.equal(simplest([batch, many, few]), few);
  assert.equal(simplest([many, direct, few]), direct);
  assert.equal(simplest([]), undefined);
});

Deno.test("the serve command names what differs from serve's defaults, those of the bench too", () => {
  const engine = parseSettings(["--queue-capacity", "64"], { ...ENGINE_DEFAULTS, BIND_PORT: "1234" });
  const micro: Variant = { name: "", mode: "micro_batch", settings: { MAX_BATCH_SIZE: 4 } };
  assert.equal(
    serveCommand(micro, engine),
    "deno task serve --engine-mode micro_batch --batch-window-ms 20 --queue-capacity 64",
    "4 is serve's own default, 20 ms the bench's",
  );
  const continuous: Variant = { name: "", mode: "continuous", settings: { MAX_CONCURRENT_STREAMS: 16 } };
  assert.equal(
    serveCommand(continuous, engine),
    "deno task serve --engine-mode continuous --max-concurrent-streams 16 --queue-capacity 64",
  );
  const streams = parseSettings(["--max-concurrent-streams", "7"], {});
  assert.equal(
    serveCommand(micro, streams),
    "deno task serve --engine-mode micro_batch",
    "a setting that shapes another mode alone is left out",
  );
});
