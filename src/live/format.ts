/** How figures are written on the page and in the terminal. What is not known is a dash; units stand after the figure. */

export const NOTHING = "–";

/** Whole numbers in groups of three: `12,345`. */
export function count(value: number): string {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 request`, `2 requests` */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Writes rates and means: one decimal below 100, whole numbers from there on. */
export function decimal(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NOTHING;
  return Math.abs(value) < 99.95 ? value.toFixed(1) : count(value);
}

/** A span of time in three digits or so: `0.42 ms`, `12.3 ms`, `412 ms`, `1.23 s`, `83.0 s`. */
export function millis(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return NOTHING;
  if (ms < 0.005) return "0 ms";
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  return `${count(ms / 1000)} s`;
}

/** A part from 0 to 1 as per cent. */
export function percent(part: number | null): string {
  if (part === null || !Number.isFinite(part)) return NOTHING;
  const value = part * 100;
  return value > 0 && value < 0.95 ? `${value.toFixed(1)} %` : `${Math.round(value)} %`;
}

/** A longer span of time in its two largest units: `42 s`, `3 min 5 s`, `2 h 4 min`, `6 d 1 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [minutes, hours, days] = [seconds / 60, seconds / 3600, seconds / 86_400].map(Math.floor) as [
    number,
    number,
    number,
  ];
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}

/** The reader's time of day, with the milliseconds where they matter. */
export function clock(at: number, withMillis = false): string {
  const date = new Date(at);
  const text = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, "0")
  )
    .join(":");
  return withMillis ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

/** Puts a text on one line and drops its control characters, so that a server's text can't rewrite the reader's terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
}
