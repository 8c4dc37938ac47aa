/* Draws the charts of a report with the Vega runtime above; runs in a browser, without any network. */
(() => {
  const { charts, themes } = JSON.parse(document.getElementById("charts").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const print = matchMedia("print");
  const tip = document.getElementById("tip");
  const views = [];

  const theme = () => dark.matches && !print.matches ? themes.dark : themes.light;

  function showTip(_handler, event, _item, value) {
    tip.hidden = value === null || value === undefined || typeof value !== "object";
    if (tip.hidden) return;
    tip.replaceChildren(
      ...Object.entries(value).filter(([, text]) => text !== "null").map(([name, text]) => {
        const line = document.createElement("div");
        for (const part of [name, text]) {
          line.append(Object.assign(document.createElement("span"), { textContent: String(part) }));
        }
        return line;
      }),
    );
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - height - 4))}px`;
  }

  async function draw({ id, spec }) {
    const container = document.getElementById(id);
    try {
      const view = new vega.View(vega.parse(spec), {
        renderer: "svg",
        container,
        hover: true,
        tooltip: showTip,
      });
      await view.signal("theme", theme()).runAsync();
      views.push(view);
    } catch (thrown) {
      container.classList.add("broken");
      container.textContent = `This chart could not be drawn: ${thrown}`;
      throw thrown;
    }
  }

  function paintAll() {
    return Promise.all(views.map((view) => view.signal("theme", theme()).runAsync()));
  }

  for (const media of [dark, print]) media.addEventListener("change", paintAll);
  addEventListener("scroll", () => tip.hidden = true, { passive: true });

  Promise.allSettled(charts.map(draw)).then((drawn) => {
    const failed = drawn.filter(({ status }) => status === "rejected");
    document.documentElement.dataset.charts = failed.length === 0 ? "drawn" : "failed";
    failed.forEach(({ reason }) => reportError(reason));
  });
})();
