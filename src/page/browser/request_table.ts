import type { LiveRequest } from "../../live/feed.ts";
import { count, millis } from "../../live/format.ts";
import type { LiveState } from "../../live/state.ts";
import { byId, children, el, setAttribute, setText } from "./dom.ts";

const CELLS = ["id", "tenant", "door", "mode", "step", "figure", "figure", "tokens"] as const;
/** Labels of the cells by their index, for phones, where the table has no head. */
const LABELS: Readonly<Record<number, string>> = { 1: "tenant", 2: "by", 5: "age", 6: "waited" };

/** Who is in the engine, oldest first. Rows are used again, so that a second costs few changes. */
export class RequestTable {
  readonly #body = byId("requests");
  readonly #count = byId("requests-count");
  readonly #empty = byId("requests-empty");

  draw({ tick: { requests, point } }: LiveState): void {
    const all = Math.max(point.queueDepth + point.inFlight, requests.length);
    setText(
      this.#count,
      requests.length < all ? `the oldest ${requests.length} of ${count(all)}` : count(all),
    );
    this.#empty.hidden = requests.length > 0;
    const rows = children(this.#body, requests.length, makeRow);
    requests.forEach((request, index) => {
      const row = rows[index];
      if (row) fill(row, request);
    });
  }
}

function makeRow(): HTMLTableRowElement {
  return el(
    "tr",
    {},
    ...CELLS.map((kind, index) => {
      const cell = el("td", { class: kind });
      const label = LABELS[index];
      if (label) cell.dataset["label"] = label;
      if (kind === "step") cell.append(el("span", { class: "phase" }));
      if (kind === "tokens") {
        cell.append(
          el(
            "div",
            { class: "meter" },
            el("span", { class: "rail", "aria-hidden": "true" }, el("span")),
            el("span"),
          ),
        );
      }
      return cell;
    }),
  );
}

function fill(row: HTMLTableRowElement, request: LiveRequest): void {
  const [id, tenant, door, mode, phase, age, waited, tokens] = row.cells;
  const texts: [Element | null | undefined, string][] = [
    [id, request.requestId],
    [tenant, request.tenantId || "none"],
    [door, request.door],
    [mode, request.mode],
    [phase?.firstElementChild, request.phase],
    [age, millis(request.ageMs)],
    [waited, millis(request.waitedMs)],
    [tokens?.firstElementChild?.lastElementChild, tokensText(request)],
  ];
  for (const [cell, text] of texts) if (cell) setText(cell, text);
  if (id) id.title = request.requestId;
  if (tenant) tenant.title = request.tenantId;
  if (phase?.firstElementChild) setAttribute(phase.firstElementChild, "data-phase", request.phase);
  const bar = tokens?.querySelector<HTMLElement>(".rail span");
  if (bar) {
    bar.style.transform = `scaleX(${
      Math.min(1, request.tokens / Math.max(1, request.maxTokens)).toFixed(3)
    })`;
  }
}

/** The tokens so far of how many. The engine sees none of an answer in one piece before its end. */
function tokensText({ phase, tokens, maxTokens }: LiveRequest): string {
  return phase === "running" ? `up to ${count(maxTokens)}` : `${count(tokens)} / ${count(maxTokens)}`;
}
