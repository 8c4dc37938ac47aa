import assert from "node:assert/strict";
import { metricsOf } from "../../../tests/support/observed_engine.ts";
import { parseMetrics } from "../../../tests/support/exposition.ts";
import { end, notice, openRequest } from "../../../tests/support/observed_requests.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
  readonly panels: readonly Panel[];
}

const FILE = new URL("../../../docs/grafana/omnispan-dashboard.json", import.meta.url);
const dashboard: Dashboard = JSON.parse(Deno.readTextFileSync(FILE));
const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Names of samples, each with the labels that it comes with. */
async function samples(): Promise<Map<string, Set<string>>> {
  const metrics = metricsOf();
  metrics.dispatched(notice());
  metrics.ended(end(openRequest()));
  metrics.ended(end(openRequest(), "deadline_exceeded"));
  const known = new Map<string, Set<string>>();
  for (const { name, labels } of parseMetrics(await metrics.text()).flatMap(({ samples }) => samples)) {
    const all = known.get(name) ?? new Set(["instance"]);
    for (const label of Object.keys(labels)) all.add(label);
    known.set(name, all);
  }
  return known;
}

Deno.test("the dashboard asks only for metrics that exist, by labels that they have", async () => {
  const known = await samples();
  let asked = 0;
  for (const expr of expressions) {
    const all = new Set<string>();
    for (const [, name = "", matchers = ""] of expr.matchAll(/\b([a-z][a-z0-9_]+)\{([^}]*)\}/g)) {
      const labels = known.get(name);
      assert.ok(labels, `${name} of ${expr} is no metric`);
      const matched = [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label);
      assert.ok(matched.includes("instance"), `${name} of ${expr} mixes engines`);
      for (const label of matched) assert.ok(labels.has(label), `${name} has no label ${label}: ${expr}`);
      for (const label of labels) all.add(label);
      asked++;
    }
    const kept = [...expr.matchAll(/\bby \(([^)]+)\)/g)].flatMap(([, labels = ""]) => labels.split(/,\s*/));
    for (const label of kept) assert.ok(all.has(label), `nothing has the label ${label}: ${expr}`);
  }
  assert.ok(asked > 20, `${asked} selectors were found`);
  assert.ok(known.has("omnispan_start_time_seconds"), "what the variable instance is asked of");
});

Deno.test("what labels legends tell is kept by their expressions", () => {
  for (const { expr, legendFormat } of dashboard.panels.flatMap(({ targets = [] }) => targets)) {
    for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      assert.match(expr, new RegExp(`\\bby \\([^)]*\\b${label}\\b`), `${legendFormat} of ${expr}`);
    }
  }
});

Deno.test("the dashboard can be imported: a variable for the data source, no panel on another", () => {
  assert.ok(dashboard.schemaVersion >= 39);
  assert.deepEqual(dashboard.templating.list.map(({ name }) => name), ["datasource", "instance"]);
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + at % w},${y + Math.floor(at / w)}`)
  );
  assert.equal(new Set(cells).size, cells.length);
  assert.ok(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24));
});
