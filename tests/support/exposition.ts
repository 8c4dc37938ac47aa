/** Reads Prometheus' text format and says what is wrong with it; for tests, also where promtool is not installed. */

export interface TextSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface TextMetric {
  readonly name: string;
  readonly type: string;
  readonly samples: readonly TextSample[];
}

const SAMPLE = /^([a-zA-Z_][a-zA-Z0-9_]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gy;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/** @throws {Error} with the line that is none of the format. */
export function parseMetrics(text: string): TextMetric[] {
  if (!text.endsWith("\n")) throw new Error("the text must end with a line feed");
  const metrics: (TextMetric & { samples: TextSample[] })[] = [];
  let help: string | undefined;
  for (const line of text.split("\n")) {
    const [mark, kind, name, ...rest] = line.split(" ");
    const metric = metrics.at(-1);
    if (line === "") continue;
    if (mark === "#" && kind === "HELP" && name && rest.join(" ")) {
      help = name;
    } else if (mark === "#" && kind === "TYPE" && name && rest.length === 1 && name === help) {
      metrics.push({ name, type: rest[0]!, samples: [] });
    } else if (metric && help === metric.name) metric.samples.push(parseSample(line));
    else throw new Error(`no HELP and TYPE before ${line}`);
  }
  return metrics;
}

function parseSample(line: string): TextSample {
  const [, name, inner = "", number = ""] = SAMPLE.exec(line) ?? [];
  if (!name || !NUMBER.test(number)) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  let read = 0;
  for (const [whole, label = "", text = ""] of inner.matchAll(LABEL)) {
    if (label in labels) throw new Error(`label ${label} twice: ${line}`);
    labels[label] = text.replaceAll(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped);
    read += whole.length;
  }
  if (read !== inner.length) throw new Error(`not labels: ${line}`);
  return { name, labels, value: Number(number.replace("Inf", "Infinity")) };
}

/** What is wrong with metrics that can be read. */
export function problemsOf(metrics: readonly TextMetric[]): string[] {
  const problems: string[] = [];
  const names = new Set<string>();
  for (const metric of metrics) {
    const { name, type, samples } = metric;
    if (names.has(name)) problems.push(`${name} comes twice`);
    names.add(name);
    if (!["counter", "gauge", "histogram"].includes(type)) problems.push(`${name} has the type ${type}`);
    if (name.endsWith("_total") !== (type === "counter")) {
      problems.push(`${name} is a ${type} by its type only`);
    }
    const sets = samples.map((sample) => sample.name + JSON.stringify(Object.entries(sample.labels).sort()));
    if (new Set(sets).size < sets.length) problems.push(`${name} has two samples with the same labels`);
    for (const sample of samples) {
      if (type !== "histogram" && sample.name !== name) problems.push(`${sample.name} stands under ${name}`);
      if (Number.isNaN(sample.value)) problems.push(`${sample.name} is not a number`);
      if (type !== "gauge" && sample.value < 0) problems.push(`${sample.name} is below zero`);
    }
    if (type === "histogram") problems.push(...histogramProblems(metric));
  }
  return problems;
}

function histogramProblems({ name, samples }: TextMetric): string[] {
  const series = new Map<string, { buckets: [number, number][]; sum?: number; count?: number }>();
  const problems: string[] = [];
  for (const { name: part, labels: { le, ...labels }, value } of samples) {
    const key = JSON.stringify(Object.entries(labels).sort());
    const one = series.get(key) ?? { buckets: [] };
    series.set(key, one);
    if (part === `${name}_bucket` && le !== undefined) {
      one.buckets.push([Number(le.replace("Inf", "Infinity")), value]);
    } else if (part === `${name}_sum` && le === undefined) one.sum = value;
    else if (part === `${name}_count` && le === undefined) one.count = value;
    else problems.push(`${part} is no part of the histogram ${name}`);
  }
  for (const [key, { buckets, sum, count }] of series) {
    const rising = buckets.every(([bound, below], at) =>
      at === 0 || (bound > buckets[at - 1]![0] && below >= buckets[at - 1]![1])
    );
    if (!rising) problems.push(`${name}${key}: its buckets fall`);
    const [last, all] = buckets.at(-1) ?? [];
    if (last !== Infinity || all !== count) {
      problems.push(`${name}${key}: +Inf is ${all}, its count ${count}`);
    }
    if (sum === undefined) problems.push(`${name}${key}: it has no sum`);
  }
  return problems;
}

/** The one sample with these labels, among others. */
export function sampleOf(
  metrics: readonly TextMetric[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const fitting = metrics.flatMap(({ samples }) => samples).filter((sample) =>
    sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text)
  );
  if (fitting.length > 1) {
    throw new Error(`${fitting.length} samples of ${name} have the labels ${JSON.stringify(labels)}`);
  }
  return fitting[0]?.value;
}
