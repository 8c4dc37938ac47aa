/** One label set and what is kept for it. */
export interface Labelled<Cell> {
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: Cell;
}

/** What is known after some of the values: the cell after all of them, else a branch for each next one. */
interface Branch<Cell> {
  readonly next: Map<string, Branch<Cell>>;
  cell: Cell | undefined;
}

/**
 * A cell for each combination of label values that occurred. Each value comes from a bounded set, so their number is
 * bounded as well. It costs one map lookup for each label to find one.
 */
export class Family<Cell> implements Iterable<Labelled<Cell>> {
  readonly #root: Branch<Cell> = newBranch();
  readonly #cells: Labelled<Cell>[] = [];

  constructor(readonly labelNames: readonly string[], private readonly empty: () => Cell) {}

  /** The values in the order of `labelNames`; an empty one leaves its label out. */
  at(...values: readonly string[]): Cell {
    let branch = this.#root;
    for (let at = 0; at < values.length; at++) {
      const value = values[at]!;
      let next = branch.next.get(value);
      if (!next) branch.next.set(value, next = newBranch());
      branch = next;
    }
    return branch.cell ??= this.#add(values);
  }

  [Symbol.iterator](): Iterator<Labelled<Cell>> {
    return this.#cells.values();
  }

  #add(values: readonly string[]): Cell {
    const given = this.labelNames.map((name, at) => [name, values[at] ?? ""] as const);
    const cell = this.empty();
    this.#cells.push({ labels: Object.fromEntries(given.filter(([, value]) => value)), cell });
    return cell;
  }
}

function newBranch<Cell>(): Branch<Cell> {
  return { next: new Map(), cell: undefined };
}
