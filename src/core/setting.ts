/** One setting: its range, its default and its help; how it is read from text. */
export interface Setting<T> {
  readonly fallback: T;
  readonly help: string;
  /** Completes "NAME must be ...". */
  readonly rule: string;
  /** Undefined when the text breaks the rule. */
  parse(text: string): T | undefined;
}

export type SettingTable = Readonly<Record<string, Setting<string | number | boolean>>>;

/** The values that a table's settings have. */
export type SettingValues<Table extends SettingTable> = {
  readonly [Name in keyof Table]: Table[Name]["fallback"];
};

export function wholeNumber(min: number, max: number, fallback: number, help: string): Setting<number> {
  return {
    fallback,
    help,
    rule: `a whole number from ${min} to ${max}`,
    parse(text) {
      if (!/^\d{1,15}$/.test(text.trim())) return undefined;
      const value = Number(text);
      return value >= min && value <= max ? value : undefined;
    },
  };
}

export function oneOf<const T extends string>(
  values: readonly T[],
  fallback: NoInfer<T>,
  help: string,
): Setting<T> {
  return {
    fallback,
    help,
    rule: `one of ${values.join(", ")}`,
    parse: (text) => values.find((value) => value === text.trim()),
  };
}

export function flag(fallback: boolean, help: string): Setting<boolean> {
  const meanings = new Map([["1", true], ["true", true], ["0", false], ["false", false]]);
  return {
    fallback,
    help,
    rule: "1, true, 0 or false",
    parse: (text) => meanings.get(text.trim().toLowerCase()),
  };
}
