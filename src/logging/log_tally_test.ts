import assert from "node:assert/strict";
import { LogTally, type Tallied } from "./log_tally.ts";

const full = (message: string, who = "127.0.0.1") => ({ group: "resource_exhausted", who, message });
const invalid = (message: string) => ({ group: "invalid_argument", who: "127.0.0.1", message });

function reported(add: (tally: LogTally<string>) => void): Tallied<string>[] {
  const reports: Tallied<string>[] = [];
  using tally = new LogTally<string>((tallied) => reports.push(tallied));
  add(tally);
  assert.deepEqual(reports, [], "nothing is reported at once");
  tally.flush();
  return reports;
}

Deno.test("cases of one cause are one report, whatever numbers and values their messages have", () => {
  const reports = reported((tally) => {
    tally.add(full("10 requests wait; try again in 50 ms"), "first");
    tally.add(full("1024 requests wait; try again in 1.5 ms"), "second");
    tally.add(full("1024 requests wait; try again in 1.5 ms", "127.0.0.2"), "of another");
    tally.add(invalid('n must be 1, got "7 \\" apples"'), "third");
    tally.add(invalid('n must be 1, got "two"'), "fourth");
    tally.add(invalid("top_k must be 1"), "fifth");
  });
  assert.deepEqual(reports.map(({ count, first }) => [count, first]), [
    [2, "first"],
    [1, "of another"],
    [2, "third"],
    [1, "fifth"],
  ]);
});

Deno.test("causes without number are counted by their group", () => {
  const names = Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index));
  const reports = reported((tally) => {
    for (const _ of ["once", "again"]) {
      for (const who of names) tally.add({ group: "a", who, message: "" }, who);
    }
  });
  assert.equal(reports.length, 21);
  assert.equal(reports.reduce((sum, { count }) => sum + count, 0), 52);
  assert.deepEqual(reports.filter(({ mixed }) => mixed), [{ count: 12, first: "u", mixed: true }]);
});

Deno.test("each second brings its own reports, and what is left comes at the end", async () => {
  const reports: Tallied<string>[] = [];
  const second = Promise.withResolvers<void>();
  using tally = new LogTally<string>((tallied) => {
    reports.push(tallied);
    second.resolve();
  });
  tally.add(full(""), "first");
  const alive = setInterval(() => {}, 1000); // the tally's own timer keeps nothing alive
  await second.promise;
  clearInterval(alive);
  tally.add(full(""), "second");
  tally[Symbol.dispose]();
  assert.deepEqual(reports.map(({ first }) => first), ["first", "second"]);
});
