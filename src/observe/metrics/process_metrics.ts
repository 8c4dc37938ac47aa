import process from "node:process";
import type { Registry } from "prom-client";
import { counter, value } from "./exposition.ts";

/**
 * The usual figures of a process, under the names of Prometheus' client libraries. prom-client's own collectors can't
 * be had without those for Node.js, which under Deno give zeros, and start an observer of the garbage collector each.
 */
export function registerProcess(registry: Registry): void {
  const cpu = { name: "process_cpu_seconds_total", help: "User and system CPU time of all threads." };
  counter(registry, cpu, [], () => {
    const { user, system } = process.cpuUsage();
    return [[{}, (user + system) / 1e6]];
  });
  const figures = [
    [
      "process_start_time_seconds",
      "When the process began, in Unix time.",
      () => performance.timeOrigin / 1000,
    ],
    ["process_resident_memory_bytes", "Resident memory.", () => Deno.memoryUsage().rss],
    ["process_open_fds", "Open file descriptors; Linux only.", openFiles],
  ] as const;
  for (const [name, help, read] of figures) value(registry, { name, help }, read);
  value(
    registry,
    { name: "omnispan_main_heap_bytes", help: "Heap in use by the main thread." },
    () => Deno.memoryUsage().heapUsed,
  );
}

function openFiles(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length - 1; // less the one that reads
  } catch {
    return undefined; // a system that does not show them
  }
}
