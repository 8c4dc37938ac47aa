/**
 * Refuses the releases of Deno that the engine can't run on.
 * Delete when no release from 2.9.4 to 2.9.8 is in use any more.
 */

/** Deno releases whose node:http2 ends the whole process when a gRPC client hangs up (denoland/deno#36788). */
const BROKEN = { minor: "2.9.", firstPatch: 4, lastPatch: 8 };
const OVERRIDE = "OMNISPAN_ALLOW_ANY_DENO";

/** Why the engine must not run on this Deno, as one line with the command that works; undefined when it may. */
export function denoProblem(version: string, env: Readonly<Record<string, string>>): string | undefined {
  if (env[OVERRIDE] === "1" || !version.startsWith(BROKEN.minor)) return undefined;
  const patch = Number.parseInt(version.slice(BROKEN.minor.length));
  if (!(patch >= BROKEN.firstPatch && patch <= BROKEN.lastPatch)) return undefined;
  return `Deno ${version} aborts when gRPC clients hang up (denoland/deno#36788): ` +
    `run npx -y deno@2.9.3 task serve, or set ${OVERRIDE}=1 to take the risk`;
}
