/**
 * Deno 2.9.3 sends requests for this machine to HTTP_PROXY as well, where NO_PROXY does not name it. The proxy can't
 * reach the engine from elsewhere, and would get key and prompt.
 * No issue is known.
 * Delete when fetch leaves HTTP_PROXY out for loopback addresses by itself.
 */

/** Hosts that never lead beyond this machine, as URL writes them. */
const THIS_MACHINE =
  /^((.+\.)?localhost\.?|127(\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;

/** Leaves proxies out for a host that is this machine. Holds for the HTTP clients that are made after this call. */
export function leaveProxiesOut(hostname: string): void {
  if (!THIS_MACHINE.test(hostname)) return;
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  for (const name of ["NO_PROXY", "no_proxy"]) {
    const others = Deno.env.get(name);
    Deno.env.set(name, others ? `${others},${host}` : host);
  }
}
