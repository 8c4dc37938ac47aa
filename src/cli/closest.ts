/** The name that takes the fewest edits, at most a third of the text's letters. */
export function closest(text: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, edits: editsBetween(text.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.edits - other.edits);
  const [best] = ranked;
  return best && best.edits <= Math.max(1, text.length / 3) ? best.name : undefined;
}

/** Insertions, deletions and substitutions of a letter, and swaps of two neighbours (optimal string alignment). */
function editsBetween(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let at = 1; at <= one.length; at++) {
    const above = rows[at - 1]!;
    const row = [at];
    for (let place = 1; place <= other.length; place++) {
      const isSame = one[at - 1] === other[place - 1];
      const isSwapped = one[at - 1] === other[place - 2] && one[at - 2] === other[place - 1];
      row.push(Math.min(
        above[place - 1]! + (isSame ? 0 : 1),
        above[place]! + 1,
        row[place - 1]! + 1,
        at > 1 && place > 1 && isSwapped ? rows[at - 2]![place - 2]! + 1 : Infinity,
      ));
    }
    rows.push(row);
  }
  return rows.at(-1)!.at(-1)!;
}
