/** The few ways in which scripts write into the page. Text only ever goes in as text. */

/** The element of index.html with this id. */
export function byId<T extends Element = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as unknown as T;
}

type Attributes = Readonly<Record<string, string>>;
type Child = Node | string;

export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * Changes nothing where the text is there already: most of a page stays as it is from second to second. A text is changed in its
 * place, which a browser does for a fraction of what a new one costs it.
 */
export function setText(element: Element, text: string): void {
  const { firstChild } = element;
  if (firstChild instanceof Text && firstChild === element.lastChild) {
    if (firstChild.data !== text) firstChild.data = text;
  } else if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Text for people, and the raw figure for tests and scripts in `data-value`. */
export function setFigure(element: Element, text: string, value: string | number): void {
  setText(element, text);
  setAttribute(element, "data-value", String(value));
}

/** Brings a parent to `count` children: it keeps those that are there, makes more, and removes what is left over. */
export function children<T extends Element>(parent: Element, count: number, make: () => T): T[] {
  while (parent.children.length < count) parent.append(make());
  while (parent.children.length > count) parent.lastElementChild?.remove();
  return [...parent.children] as T[];
}

/** The pressed one of a group of buttons; `data` names the attribute that tells them apart. */
export function choice(group: Element, data: string, chosen: (value: string) => void): void {
  const buttons = [...group.querySelectorAll("button")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      chosen(button.dataset[data] ?? "");
    });
  }
}
