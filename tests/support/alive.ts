/** Whether a process runs; one that has ended and only waits to be noticed by its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    if (Deno.build.os === "linux") {
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
    }
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
