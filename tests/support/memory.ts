/** Resident memory of a process in MB; undefined where the system does not tell. */
export function residentMb(pid: number): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const match = /^VmRSS:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return match ? Number(match[1]) / 1024 : undefined;
}

/** How much higher the samples' last third lies than their first; 0 where there are none. */
export function growth(samples: readonly number[]): number {
  const third = Math.floor(samples.length / 3);
  if (third === 0) return 0;
  return mean(samples.slice(-third)) - mean(samples.slice(0, third));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
