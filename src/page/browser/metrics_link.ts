import { keyHeader, refusalOf } from "../figures/refusal.ts";
import { byId } from "./dom.ts";
import type { Key } from "./key.ts";

/** A link sends no key; where one is in use its target is fetched, and shown from memory. */
export function metricsLink(key: Key): void {
  byId<HTMLAnchorElement>("metrics").addEventListener("click", async (event) => {
    if (key.text === "") return;
    event.preventDefault();
    const tab = open("about:blank");
    const response = await fetch("/metrics", { headers: keyHeader(key.text) });
    const text = response.ok ? await response.text() : (await refusalOf(response)).message;
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain; charset=utf-8" }));
    if (tab) tab.location.href = url;
  });
}
