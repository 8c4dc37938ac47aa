/** What queueing theory says of a queue, in closed form for the mean and step by step for one sample path. */
import type { Millis } from "../../src/core/types.ts";

/**
 * Mean wait of M/D/1: W_q = rho S / (2 (1 - rho)), the mean value formula of Pollaczek (1930) and Khinchine (1932) for
 * a service time without variance.
 */
export function waitOfMD1(ratePerMs: number, serviceMs: Millis): Millis {
  const rho = ratePerMs * serviceMs;
  return rho * serviceMs / (2 * (1 - rho));
}

/** Mean wait of M/M/1: W_q = rho S / (1 - rho) (Erlang 1917); twice that of M/D/1. */
export function waitOfMM1(ratePerMs: number, serviceMs: Millis): Millis {
  return waitOfMMc(1, ratePerMs, serviceMs);
}

/** Mean wait of M/M/c: W_q = C(c, a) / (c mu - lambda), with a = lambda / mu. */
export function waitOfMMc(servers: number, ratePerMs: number, serviceMs: Millis): Millis {
  const offered = ratePerMs * serviceMs;
  return erlangC(servers, offered) / (servers / serviceMs - ratePerMs);
}

/**
 * The probability that a customer of M/M/c has to wait, for an offered load of `offered` Erlang (Erlang 1917):
 * C = B / (1 - rho (1 - B)), with the loss probability B by its recursion B(k) = a B(k - 1) / (k + a B(k - 1)).
 */
export function erlangC(servers: number, offered: number): number {
  let loss = 1;
  for (let k = 1; k <= servers; k++) loss = offered * loss / (k + offered * loss);
  return loss / (1 - offered / servers * (1 - loss));
}

/**
 * The wait of each customer, first come first served, at so many servers: who comes takes the server that is free
 * first (Kiefer & Wolfowitz, "On the Theory of Queues with Many Servers", 1955). With one server it is Lindley's
 * recursion W' = max(0, W + S - A) ("The Theory of Queues with a Single Server", 1952). No randomness is left in it,
 * so it holds for each request and not only for means.
 * @param arrivals ascending instants
 */
export function waitsOf(
  arrivals: readonly Millis[],
  serviceMs: (customer: number) => Millis,
  servers = 1,
): Millis[] {
  const freeAt = new Array<Millis>(servers).fill(-Infinity);
  return arrivals.map((at, customer) => {
    const first = freeAt.indexOf(Math.min(...freeAt));
    const startsAt = Math.max(at, freeAt[first] ?? at);
    freeAt[first] = startsAt + serviceMs(customer);
    return startsAt - at;
  });
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
