/** Child processes that end with all they started. */

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const OWN_GROUP = Deno.build.os !== "windows";

/**
 * Starts a program with all pipes open. On Unix it leads a process group of its own: Ctrl-C reaches it through us
 * alone, and `signalGroup` reaches what it started.
 */
export function spawn({ program, args, env = {} }: Command): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    detached: OWN_GROUP,
  }).spawn();
}

/** Sends a signal to the child and all of its group, as far as they are still there. */
export function signalGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  if (OWN_GROUP) ifThere(() => Deno.kill(-child.pid, signal));
  else signalChild(child, signal);
}

/** Sends a signal to the child alone, if it is still there. */
export function signalChild(child: Deno.ChildProcess, signal: Deno.Signal): void {
  ifThere(() => child.kill(signal));
}

function ifThere(kill: () => void): void {
  try {
    kill();
  } catch {
    // It has ended, which is what a signal was to bring about.
  }
}

/** "exit code 1" or "signal SIGKILL". */
export function describeExit({ code, signal }: Deno.CommandStatus): string {
  return signal ? `signal ${signal}` : `exit code ${code}`;
}
