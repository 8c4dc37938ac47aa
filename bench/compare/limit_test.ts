import assert from "node:assert/strict";
import { StartupError } from "../../src/core/errors.ts";
import { parseLimit, parseLimits } from "./limit.ts";

Deno.test("a change is limited by a signed per cent in the worse direction", () => {
  assert.deepEqual(parseLimit("ttft_p95>+10%"), {
    text: "ttft_p95>+10%",
    figure: "ttft_p95",
    kind: "change",
    bound: 1.1,
  });
  assert.equal(parseLimit("req_s < -5%").bound, 0.95);
  assert.equal(parseLimit("e2e_mean>+0%").bound, 1);
});

Deno.test("a value is limited in the figure's own unit", () => {
  const bound = (text: string) => {
    const limit = parseLimit(text);
    assert.equal(limit.kind, "value");
    return limit.bound;
  };
  assert.equal(bound("ttft_p95>500ms"), 500);
  assert.equal(bound("e2e_p99>1.5s"), 1500);
  assert.equal(bound("req_s<20"), 20);
  assert.equal(bound("failed_share>1%"), 0.01);
});

Deno.test("what can't be a limit is refused with the rule and the value", () => {
  const cases: [text: string, problem: RegExp][] = [
    ["ttft_p95", /^--fail-on must be FIGURE>\+PERCENT%.*got "ttft_p95"$/],
    ["ttft>+10%", /^a figure must be one of .*ttft_p95.*got "ttft"$/],
    [
      "ttft_p95<-10%",
      /worse direction: ttft_p95 is better when lower, so ttft_p95>\.\.\., got "ttft_p95<-10%"$/,
    ],
    ["req_s>+10%", /worse direction: req_s is better when higher, so req_s<\.\.\./],
    ["ttft_p95>-10%", /must limit a change of ttft_p95 as ttft_p95>\+PERCENT%/],
    ["req_s<+10%", /must limit a change of req_s as req_s<-PERCENT%/],
    ["req_s<-100%", /less than 100 %, got "req_s<-100%"$/],
    ["ttft_p95>+10ms", /must limit a change of ttft_p95 as/],
    ["ttft_p95>10%", /must limit ttft_p95 with ms or s, or its change with a sign before the per cent/],
    ["ttft_p95>500", /must limit ttft_p95 with ms or s, got/],
    ["req_s<20ms", /must limit req_s with no unit, got/],
  ];
  for (const [text, problem] of cases) {
    assert.throws(() => parseLimit(text), (thrown: Error) => {
      assert.ok(thrown instanceof StartupError);
      assert.match(thrown.message, problem);
      return true;
    });
  }
});

Deno.test("the problems of all limits are told at once", () => {
  assert.throws(() => parseLimits(["nonsense", "req_s<-5%", "x>+1%"]), (thrown: StartupError) => {
    assert.equal(thrown.problems.length, 2);
    return true;
  });
});
