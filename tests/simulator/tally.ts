/** How often each kind of thing happened. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(kind: string, count = 1): void {
    this.#counts.set(kind, this.get(kind) + count);
  }

  get(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  addAll(other: Tally): void {
    for (const [kind, count] of other.#counts) this.add(kind, count);
  }

  lines(): string[] {
    return [...this.#counts].toSorted(([a], [b]) => a < b ? -1 : 1).map(([kind, count]) =>
      `${kind} ${count}`
    );
  }
}
