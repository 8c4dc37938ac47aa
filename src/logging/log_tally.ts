/** Counts of what happens often, for one log line a second and cause. Imports nothing of ours. */

const EVERY_MS = 1000;
/** So many causes have a count of their own in each second; the others are counted by their group alone. */
const MOST_CAUSES = 20;

/** The parts of a message that differ between cases of one cause. */
const VALUES = /"(?:[^"\\]|\\.)*"|\d+(?:\.\d+)?/g;

export interface Tallied<T> {
  readonly count: number;
  /** The first that was counted. */
  readonly first: T;
  /** Several causes are counted here: `first` is an example of its group alone. */
  readonly mixed: boolean;
}

/** Counts what happens by its cause, and reports each cause once a second while it happens. */
export class LogTally<T> implements Disposable {
  #tallied = new Map<string, { count: number; readonly first: T; readonly mixed: boolean }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly report: (tallied: Tallied<T>) => void) {}

  /**
   * @param group one of few, by which further causes are counted when there are many
   * @param who distinguishes causes as it is
   * @param message distinguishes causes without its numbers and quoted values
   */
  add({ group, who, message }: { group: string; who: string; message: string }, happened: T): void {
    const own = `${group} ${who} ${message.replace(VALUES, "#")}`;
    const hasRoom = this.#tallied.has(own) || this.#tallied.size < MOST_CAUSES;
    const key = hasRoom ? own : group;
    const tallied = this.#tallied.get(key);
    if (tallied) tallied.count++;
    else this.#tallied.set(key, { count: 1, first: happened, mixed: !hasRoom });
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), EVERY_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Reports what has not been reported yet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const tallied = this.#tallied;
    this.#tallied = new Map();
    for (const each of tallied.values()) this.report(each);
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
