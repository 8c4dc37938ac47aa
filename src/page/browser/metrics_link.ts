import { type EngineClient, EngineError } from "../../live/engine_client.ts";
import { byId } from "./dom.ts";
import type { Key } from "./key.ts";

/** A link sends no key; where one is in use its target is fetched, and shown from memory. */
export function metricsLink(engine: EngineClient, key: Key): void {
  byId<HTMLAnchorElement>("metrics").addEventListener("click", async (event) => {
    if (key.text === "") return;
    event.preventDefault();
    const tab = open("about:blank");
    const text = await engine.send("/metrics").then((response) => response.text()).catch((thrown) => {
      if (thrown instanceof EngineError) return thrown.message;
      throw thrown;
    });
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain; charset=utf-8" }));
    if (tab) tab.location.href = url;
  });
}
