/** The scheduler's promises, one example each; what holds whatever happens is what tests/simulator looks for. */
import assert from "node:assert/strict";
import { World } from "../../tests/simulator/core_world.ts";
import { answerText, promptOf } from "../../tests/simulator/oracle/answers.ts";

const BATCHES = {
  ENGINE_MODE: "micro_batch",
  BATCH_WINDOW_MS: 10,
  MAX_BATCH_SIZE: 3,
  BATCHES_IN_FLIGHT: 1,
} as const;
const QUEUED = { ENGINE_MODE: "queued", QUEUED_CONCURRENCY: 1 } as const;
const DIRECT = { ENGINE_MODE: "direct", MAX_CONCURRENT_STREAMS: 0 } as const;
const CONTINUOUS = { ENGINE_MODE: "continuous", MAX_CONCURRENT_STREAMS: 4 } as const;

Deno.test("direct sends each request at once and alone", () => {
  const world = new World(DIRECT);
  const [first, second] = [world.arrive(), world.arrive({ stream: true })];
  assert.deepEqual(world.groups, [[first], [second]]);
  world.finish();
});

Deno.test("direct with a limit lets the next in when one ends", () => {
  const world = new World({ ...DIRECT, MAX_CONCURRENT_STREAMS: 2 });
  const [first, second, third] = world.arriveTogether(3);
  assert.deepEqual(world.running, [first, second]);
  world.answer(second!);
  assert.deepEqual(world.groups.at(-1), [third]);
  world.finish();
});

Deno.test("queued keeps one at the worker and sends the next when it comes back", () => {
  const world = new World(QUEUED);
  const [first, second] = [world.arrive(), world.arrive()];
  assert.deepEqual(world.running, [first]);
  world.advance(5);
  world.answer(first);
  assert.deepEqual(world.running, [second]);
  world.answer(second);
  assert.equal(world.answered(second).queueWaitMs, 5);
  assert.equal(world.answered(second).dispatch?.lateMs, 0);
});

Deno.test("queued gives streams MAX_CONCURRENT_STREAMS places of their own, and none where it is 0", () => {
  for (const [streams, atOnce] of [[0, 1], [3, 3]] as const) {
    const world = new World({ ...QUEUED, MAX_CONCURRENT_STREAMS: streams });
    const tickets = world.arriveTogether(5, { stream: true });
    assert.deepEqual(world.running, tickets.slice(0, atOnce));
    assert.ok(world.groups.every(({ length }) => length === 1));
    world.answer(tickets[0]!);
    assert.deepEqual(world.running, tickets.slice(1, atOnce + 1));
    world.finish();
  }
});

Deno.test("queued stays first in, first out: what waits for a place of its kind holds up those behind it", () => {
  const world = new World({ ...QUEUED, MAX_CONCURRENT_STREAMS: 2 });
  const [unary, stream] = [world.arrive(), world.arrive({ stream: true })];
  assert.deepEqual(world.running, [unary, stream], "each kind has places of its own");
  const [second, behind] = [world.arrive(), world.arrive({ stream: true })];
  assert.deepEqual(world.running, [unary, stream], "a stream does not overtake though a place is free");
  world.advance(5);
  world.answer(unary);
  assert.deepEqual(world.running, [stream, second, behind]);
  world.finish();
  for (const ticket of [second, behind]) assert.equal(world.answered(ticket).dispatch?.lateMs, 0);
});

Deno.test("when the request that held up the others leaves the queue, they go at once and are not late", () => {
  for (const leave of ["cancel", "deadline"] as const) {
    const world = new World({ ...QUEUED, MAX_CONCURRENT_STREAMS: 2 });
    const running = world.arrive();
    const head = world.arrive(leave === "deadline" ? { deadlineIn: 5 } : {});
    const behind = world.arrive({ stream: true });
    world.advance(5);
    if (leave === "cancel") world.cancel(head);
    assert.deepEqual(world.running, [running, behind]);
    world.answer(behind);
    assert.equal(world.answered(behind).dispatch?.lateMs, 0);
    assert.equal(world.answered(behind).phases.placeAt, world.now);
    world.finish();
  }
});

Deno.test("a place goes to the next of the queue only if it is of its kind, also when the first is given up", () => {
  const world = new World({ ...QUEUED, MAX_CONCURRENT_STREAMS: 1 }, { refuseLate: true });
  const [unary, stream] = [world.arrive(), world.arrive({ stream: true })];
  const hopeless = world.arrive({ deadlineIn: 600 });
  const waits = world.arrive({ stream: true });
  world.advance(500);
  world.answer(unary);
  assert.equal(world.refused(hopeless).code, "resource_exhausted");
  assert.deepEqual(world.running, [stream]);
  world.answer(stream);
  assert.deepEqual(world.running, [waits]);
  world.finish();
});

Deno.test("continuous lets all that fit go as one group, and fills up as rows end", () => {
  const world = new World(CONTINUOUS);
  const tickets = world.arriveTogether(6, { stream: true });
  assert.deepEqual(world.groups, [tickets.slice(0, 4)]);
  world.answer(tickets[2]!);
  assert.deepEqual(world.groups.at(-1), [tickets[4]]);
  assert.equal(world.stats.inFlight, 4);
  world.finish();
});

Deno.test("a batch leaves when its first request has waited the window, not the last", () => {
  const world = new World(BATCHES);
  const first = world.arrive();
  world.advance(9);
  const second = world.arrive();
  assert.deepEqual(world.groups, []);
  world.advance(1);
  assert.deepEqual(world.groups, [[first, second]]);
  world.answer(first);
  const { dispatch, attempts, queueWaitMs } = world.answered(first);
  const expected = {
    id: 1,
    worker: 0,
    mode: "micro_batch",
    reason: "window",
    lateMs: 0,
    at: 1010,
    tickets: [first, second],
  };
  assert.deepEqual([dispatch, attempts, queueWaitMs], [expected, 1, 10]);
});

Deno.test("a full batch leaves without waiting, streams and answers in one piece together", () => {
  const world = new World(BATCHES);
  world.arriveTogether(2);
  const stream = world.arrive({ stream: true });
  assert.equal(world.groups[0]?.length, 3);
  world.answer(stream);
  assert.equal(world.answered(stream).dispatch?.reason, "full");
  assert.equal(world.answered(stream).queueWaitMs, 0);
  world.finish();
});

Deno.test("while a batch is out the queue fills, and what is due leaves when its last row comes back", () => {
  const world = new World(BATCHES);
  const tickets = world.arriveTogether(5);
  world.advance(50);
  for (const ticket of tickets.slice(0, 2)) world.answer(ticket);
  assert.equal(world.groups.length, 1);
  world.answer(tickets[2]!);
  assert.deepEqual(world.groups[1], tickets.slice(3));
  world.answer(tickets[3]!);
  assert.equal(
    world.answered(tickets[3]!).dispatch?.lateMs,
    0,
    "waiting for the worker is not the scheduler's delay",
  );
});

Deno.test("a wake-up that comes late is told as the scheduler's own delay", () => {
  const world = new World(BATCHES);
  const ticket = world.arrive();
  world.now += 17;
  world.tell({ kind: "wake" });
  world.answer(ticket);
  assert.equal(world.answered(ticket).dispatch?.lateMs, 7);
});

Deno.test("who waits beside a free place waits for company, whatever else comes back meanwhile", () => {
  const world = new World({ ...BATCHES, MAX_BATCH_SIZE: 2, BATCHES_IN_FLIGHT: 2 });
  world.arriveTogether(5); // the fifth finds no place
  world.advance(20);
  for (const ticket of [1, 2]) world.answer(ticket);
  world.advance(1);
  for (const ticket of [3, 4]) world.answer(ticket);
  const waits = world.arrive();
  world.advance(5);
  world.answer(5);
  world.advance(5);
  world.answer(waits);
  assert.equal(world.answered(waits).phases.placeAt, 1021);
  assert.equal(world.answered(waits).phases.dispatchedAt, 1031);
});

Deno.test("with BATCH_WHEN_IDLE a request leaves an idle worker's queue at once, and waits for a busy one", () => {
  const world = new World({ ...BATCHES, BATCHES_IN_FLIGHT: 2, BATCH_WHEN_IDLE: true });
  const [first, second] = [world.arrive(), world.arrive()];
  assert.deepEqual(world.groups, [[first]]);
  world.answer(first);
  assert.deepEqual(world.groups, [[first], [second]]);
  world.answer(second);
  assert.equal(world.answered(second).dispatch?.reason, "idle");
});

Deno.test("tokens go to their caller as they come, and a stream ends after its last", () => {
  const world = new World(DIRECT);
  const [first, second] = world.arriveTogether(2, { stream: true, tokens: 3 });
  world.token(first!);
  world.token(second!, 2);
  world.token(first!, 2);
  assert.equal(world.streamed(first!), answerText(promptOf("prompt 1", 3), 0, 3));
  assert.equal(world.outcomes.size, 0);
  world.answer(first!);
  assert.equal(world.answered(first!).reply.status, "ok");
  world.finish();
});

Deno.test("a full queue refuses with its depth and limit, and takes requests again when there is room", () => {
  const world = new World(QUEUED, { queueCapacity: 2 });
  const first = world.arrive();
  world.arriveTogether(2);
  const { code, message, retryAfterMs } = world.refused(world.arrive());
  assert.equal(code, "resource_exhausted");
  assert.match(message, /2 requests wait, QUEUE_CAPACITY is 2; try again in 1000 ms/);
  assert.equal(retryAfterMs, 1000, "how fast the queue empties is not known yet");
  world.answer(first);
  assert.equal(world.outcomes.has(world.arrive()), false);
  assert.equal(world.stats.refused, 1);
  assert.equal(world.stats.accepted, 4);
});

Deno.test("a refused request should come back when about half of the queue is gone", () => {
  const world = new World(QUEUED, { queueCapacity: 4 });
  world.arriveTogether(5);
  for (let ticket = 1; ticket <= 40; ticket++) {
    world.advance(100);
    world.answer(ticket);
    world.arrive();
  }
  const { retryAfterMs } = world.refused(world.arrive());
  assert.ok(retryAfterMs! > 150 && retryAfterMs! <= 200, `${retryAfterMs} ms for 4 requests of 100 ms`);
});

Deno.test("a queue of long prompts is full by their bytes, and room comes back with each that leaves", () => {
  const world = new World(QUEUED, { queueBytes: 100 });
  const first = world.arrive({ bytes: 60 });
  world.arrive({ bytes: 60 });
  assert.match(
    world.refused(world.arrive({ bytes: 41 })).message,
    /60 bytes of prompts wait, QUEUE_BYTES is 100/,
  );
  const fits = world.arrive({ bytes: 40 });
  world.cancel(fits);
  assert.equal(world.outcomes.has(world.arrive({ bytes: 40 })), false);
  world.answer(first);
  assert.equal(world.stats.queuedBytes, 40);
  world.finish();
});

Deno.test("a burst in one turn is refused only beyond what the policy could send", () => {
  const world = new World(DIRECT, { queueCapacity: 1 });
  const tickets = world.arriveTogether(50);
  assert.deepEqual(world.running, tickets);
});

Deno.test("without a limit of its own a mode's follows from what the worker runs at once", () => {
  const world = new World({ ...CONTINUOUS, MAX_CONCURRENT_STREAMS: 0 }, {}, { state: "unknown" });
  const tickets = world.arriveTogether(6);
  world.worker("up", 4);
  assert.deepEqual(world.running, tickets.slice(0, 5), "a quarter more than it runs");
  world.answer(tickets[0]!);
  assert.deepEqual(world.running, tickets.slice(1, 6));
  const direct = world.arriveTogether(6, { mode: "direct" });
  assert.deepEqual(world.running.slice(5), direct.slice(0, 5));
  world.worker("draining");
  world.worker("up"); // its successor does not tell
  assert.equal(world.running.length, 11);
  world.finish();
});

Deno.test("REFUSE_LATE turns away at once what can't be answered in time, and takes what can", () => {
  const world = new World(QUEUED, { refuseLate: true, queueCapacity: 100 });
  world.arriveTogether(30);
  for (let ticket = 1; ticket <= 20; ticket++) {
    world.advance(100);
    world.answer(ticket);
  }
  assert.match(
    world.refused(world.arrive({ deadlineIn: 500 })).message,
    /the deadline can't be met.*REFUSE_LATE/,
  );
  assert.equal(world.outcomes.has(world.arrive({ deadlineIn: 5000 })), false);
  assert.equal(world.outcomes.has(world.arrive()), false);
});

Deno.test("REFUSE_LATE does not spend the worker's time on one that has waited too long", () => {
  const world = new World(QUEUED, { refuseLate: true, queueCapacity: 100 });
  world.arriveTogether(21);
  for (let ticket = 1; ticket <= 20; ticket++) {
    world.advance(100);
    world.answer(ticket);
  }
  const inTime = world.arrive({ deadlineIn: 300 });
  const next = world.arrive({ deadlineIn: 5000 });
  world.advance(230); // the one that runs takes longer than it should
  world.answer(21);
  assert.match(world.refused(inTime).message, /can't be met any more: it is 70 ms away.*REFUSE_LATE/);
  assert.deepEqual(world.running, [next]);
});

Deno.test("REFUSE_LATE relies on no service time that nothing has confirmed lately", () => {
  const world = new World(QUEUED, { refuseLate: true });
  const first = world.arrive();
  world.advance(100);
  world.answer(first);
  const gone = world.arrive();
  const waiting = world.arrive({ deadlineIn: 510 });
  world.advance(401);
  world.cancel(gone);
  assert.deepEqual(world.running, [waiting], "109 ms are left, and an answer took 100 a long time ago");
});

Deno.test("REFUSE_LATE refuses nothing that waited for its window alone", () => {
  const world = new World(BATCHES, { refuseLate: true });
  const long = world.arrive();
  world.advance(900);
  world.answer(long);
  const next = world.arrive({ deadlineIn: 500 });
  world.advance(10);
  assert.deepEqual(world.running, [next]);
  world.finish();
});

Deno.test("REFUSE_LATE refuses nothing because others wait for the same window", () => {
  const world = new World({ ...BATCHES, MAX_BATCH_SIZE: 8 }, { refuseLate: true, queueCapacity: 100 });
  const crowd = world.arriveTogether(32);
  while (world.running.length > 0) {
    world.advance(400);
    for (const ticket of world.running) world.answer(ticket);
  }
  assert.ok(crowd.every((ticket) => world.outcomes.has(ticket)));
  const tickets = Array.from({ length: 7 }, () => {
    world.advance(1);
    return world.arrive({ deadlineIn: 600 });
  });
  world.advance(10);
  assert.deepEqual(world.running, tickets);
  world.finish();
});

Deno.test("REFUSE_LATE expects less time of an answer that may have fewer tokens than others had", () => {
  const world = new World(QUEUED, { refuseLate: true });
  for (const ticket of world.arriveTogether(5, { tokens: 100 })) {
    world.advance(900);
    world.answer(ticket);
  }
  const running = world.arrive({ tokens: 100 });
  const [short, long] = [
    world.arrive({ tokens: 2, deadlineIn: 990 }),
    world.arrive({ tokens: 100, deadlineIn: 990 }),
  ];
  world.advance(400);
  world.answer(running);
  assert.deepEqual(world.running, [short]);
  assert.match(world.refused(long).message, /REFUSE_LATE/);
  world.finish();
});

Deno.test("after a pause of our own a worker's answers count, although its time was over when they are read", () => {
  const world = new World(DIRECT, { workerTimeoutMs: 1000 });
  const [first, second] = [world.arrive(), world.arrive()];
  world.now += 3000; // no wake-up came: we were asleep
  world.answer(first);
  world.answer(second);
  assert.equal(world.answered(first).reply.status, "ok");
  assert.equal(world.answered(second).reply.status, "ok");
});

Deno.test("a cancelled or overdue request in the queue never reaches the worker", () => {
  const world = new World(QUEUED);
  const [first, cancelled, overdue, last] = [
    world.arrive(),
    world.arrive(),
    world.arrive({ deadlineIn: 20 }),
    world.arrive(),
  ];
  world.cancel(cancelled);
  world.advance(20);
  assert.equal(world.refused(cancelled).code, "cancelled");
  assert.equal(world.refused(overdue).code, "deadline_exceeded");
  world.answer(first);
  assert.deepEqual(world.running, [last]);
});

Deno.test("a request that arrives after its deadline is not sent", () => {
  const world = new World(DIRECT);
  assert.equal(world.refused(world.arrive({ deadlineIn: 0 })).code, "deadline_exceeded");
  assert.deepEqual(world.groups, []);
  world.finish();
});

Deno.test("what is left of the deadline goes along, and a group lasts as long as its most patient member", () => {
  const world = new World({ ...BATCHES, MAX_BATCH_SIZE: 2 });
  const first = world.arrive({ deadlineIn: 100 });
  world.advance(4);
  const second = world.arrive({ deadlineIn: 300 });
  assert.deepEqual([first, second].map((ticket) => world.row(ticket).remainingMs), [96, 300]);
  assert.equal(world.groupTimeoutMs, 300);
});

Deno.test("the worker hears at once of each row that nobody waits for any more; the others go on", () => {
  const world = new World({ ...BATCHES, MAX_BATCH_SIZE: 2 });
  const [cancelled, overdue] = [world.arrive({ stream: true }), world.arrive({ deadlineIn: 20 })];
  world.token(cancelled);
  world.cancel(cancelled);
  assert.deepEqual(world.cancelledRows, [cancelled]);
  assert.deepEqual(world.running, [overdue]);
  world.advance(20);
  assert.deepEqual(world.cancelledRows, [cancelled, overdue]);
  assert.equal(world.stats.inFlight, 0);
});

Deno.test("what crosses a cancel on its way is ignored", () => {
  const world = new World(DIRECT);
  const ticket = world.arrive({ stream: true });
  world.cancel(ticket);
  const row = world.lastRow(ticket);
  world.tokens(row, 0);
  world.end(row);
  assert.equal(world.refused(ticket).code, "cancelled");
  assert.deepEqual(world.warnings, []);
  world.finish();
});

Deno.test("a silent worker is given up after its time-out, told so, and the next request is sent", () => {
  const world = new World(QUEUED);
  const [first, second] = [world.arrive(), world.arrive()];
  world.advance(1000);
  assert.equal(world.answered(first).reply.status, "worker_timeout");
  assert.match(world.answered(first).reply.errorMessage, /did not answer within 1000 ms/);
  assert.deepEqual(world.cancelledRows, [first]);
  assert.deepEqual(world.running, [second]);
});

Deno.test("each token gives a stream its whole time-out again", () => {
  const world = new World(DIRECT);
  const ticket = world.arrive({ stream: true, tokens: 9 });
  for (let token = 0; token < 5; token++) {
    world.advance(900);
    world.token(ticket);
  }
  world.advance(999);
  assert.equal(world.outcomes.size, 0);
  world.advance(1);
  assert.match(world.answered(ticket).reply.errorMessage, /gave no token after 5 within 1000 ms/);
});

Deno.test("a long prefill does not end a request while the worker shows that it works", () => {
  const world = new World(DIRECT, { rowTimeoutMs: 100_000 });
  const long = world.arrive({ stream: true });
  for (let second = 0; second < 30; second++) {
    world.advance(990);
    world.tell({ kind: "progress", worker: 0 });
  }
  assert.equal(world.outcomes.size, 0);
  world.answer(long);
  const hung = world.arrive();
  world.advance(999);
  assert.equal(world.outcomes.has(hung), false);
  world.advance(1);
  assert.match(
    world.answered(hung).reply.errorMessage,
    /did not answer within 1000 ms \(WORKER_RPC_TIMEOUT_MS\)/,
  );
});

Deno.test("one that waits in the worker's own queue has its time from the last sign of work on", () => {
  const world = new World(DIRECT);
  const [first, second] = world.arriveTogether(2);
  world.advance(900);
  world.answer(first!);
  world.advance(999);
  assert.equal(world.outcomes.has(second!), false);
  world.advance(1);
  assert.equal(world.answered(second!).reply.status, "worker_timeout");
});

Deno.test("a request that gets nothing while others do is given up after WORKER_ROW_TIMEOUT_MS", () => {
  const world = new World(DIRECT, { rowTimeoutMs: 5000 });
  const stuck = world.arrive();
  assert.equal(world.groupTimeoutMs, 5000);
  const other = world.arrive({ stream: true, tokens: 20 });
  for (let token = 0; token < 9; token++) {
    world.advance(500);
    world.token(other);
  }
  world.advance(499);
  assert.equal(world.outcomes.size, 0);
  world.advance(1);
  assert.match(
    world.answered(stuck).reply.errorMessage,
    /did not answer within 5000 ms, in which it worked for others \(WORKER_ROW_TIMEOUT_MS\)/,
  );
  assert.deepEqual(world.cancelledRows, [stuck]);
  world.finish();
});

Deno.test("requests whose worker is lost wait for the next one, ahead of younger ones, unary and streams alike", () => {
  const world = new World({ ...CONTINUOUS, MAX_CONCURRENT_STREAMS: 2 });
  const tickets = [world.arrive(), world.arrive({ stream: true }), world.arrive()];
  world.crash();
  assert.equal(world.outcomes.size, 0);
  assert.equal(world.stats.queueDepth, 3);
  world.advance(3000);
  world.worker("up");
  assert.deepEqual(world.running, tickets.slice(0, 2));
  world.finish();
  for (const ticket of tickets) assert.equal(world.answered(ticket).reply.status, "ok");
  assert.equal(world.answered(tickets[0]!).attempts, 2);
  assert.equal(world.answered(tickets[2]!).attempts, 1);
  assert.equal(world.stats.retried, 2);
});

Deno.test("a stream that has given a token is not sent again when its worker is lost", () => {
  const world = new World(DIRECT);
  const ticket = world.arrive({ stream: true });
  world.token(ticket);
  world.crash();
  const { reply } = world.answered(ticket);
  assert.equal(reply.status, "worker_unavailable");
  assert.equal(reply.errorMessage, "the worker is gone after 1 tokens of this answer");
});

Deno.test("text without a token of its own also keeps a stream from being sent again", () => {
  const world = new World(DIRECT);
  const ticket = world.arrive({ stream: true });
  world.tokens(world.row(ticket), 0, 0);
  world.crash();
  assert.equal(world.answered(ticket).reply.status, "worker_unavailable");
});

Deno.test("a request is sent at most WORKER_TRIES times", () => {
  const world = new World(DIRECT, { maxAttempts: 3 });
  const ticket = world.arrive();
  for (let attempt = 0; attempt < 3; attempt++) world.lose(ticket);
  const { reply, attempts } = world.answered(ticket);
  assert.equal(reply.errorMessage, "the call broke; sent 3 times (WORKER_TRIES)");
  assert.equal(attempts, 3);
});

Deno.test("being sent again is no delay of the scheduler, and the first sending no wait for a batch", () => {
  const world = new World(DIRECT);
  const ticket = world.arrive();
  world.advance(700);
  world.lose(ticket);
  world.advance(5);
  world.answer(ticket);
  const { dispatch, phases } = world.answered(ticket);
  assert.equal(dispatch?.lateMs, 0);
  assert.equal(phases.placeAt, 1700);
  assert.equal(phases.dispatchedAt, 1700);
});

Deno.test("a failure that is no loss of the worker is the answer", () => {
  const world = new World({ ...BATCHES, MAX_BATCH_SIZE: 2 });
  const [failed, lost] = [world.arrive(), world.arrive()];
  world.answer(failed, { status: "worker_runtime_error", errorMessage: "no memory" });
  world.crash("worker_internal_error");
  assert.equal(world.answered(failed).reply.errorMessage, "no memory");
  assert.equal(world.answered(lost).reply.status, "worker_internal_error");
});

Deno.test("requests wait workerWaitMs for a lost worker, then fail, and later ones fail at once", () => {
  const world = new World(DIRECT, { workerWaitMs: 5000 });
  const running = world.arrive();
  world.advance(10);
  world.crash();
  world.advance(4000);
  const waiting = world.arrive();
  world.advance(999);
  assert.equal(world.outcomes.size, 0);
  world.advance(1);
  for (const ticket of [running, waiting, world.arrive()]) {
    assert.equal(world.answered(ticket).reply.status, "worker_unavailable");
    assert.equal(world.answered(ticket).dispatch, undefined);
  }
  world.worker("up");
  const last = world.arrive();
  world.answer(last);
  assert.equal(world.answered(last).reply.status, "ok");
});

Deno.test("where there never was a worker requests fail as soon as that is known", () => {
  const world = new World(DIRECT, {}, { state: "unknown" });
  const ticket = world.arrive();
  world.advance(100);
  assert.equal(world.outcomes.size, 0, "it may be about to connect");
  world.worker("down");
  assert.match(world.answered(ticket).reply.errorMessage, /no worker takes requests: the worker is down/);
  assert.equal(world.answered(world.arrive()).reply.status, "worker_unavailable");
});

Deno.test("a worker of which nothing is heard at all is waited for no longer than a lost one", () => {
  const world = new World(DIRECT, { workerWaitMs: 5000 }, { state: "unknown" });
  const ticket = world.arrive();
  world.advance(5000);
  assert.equal(world.answered(ticket).reply.status, "worker_unavailable");
});

Deno.test("a draining worker ends what it has, and what it turns back goes to the next", () => {
  const world = new World(CONTINUOUS);
  const [running, turnedBack] = world.arriveTogether(2, { stream: true });
  world.worker("draining");
  world.end(world.row(turnedBack!), {
    status: "worker_unavailable",
    errorMessage: "draining",
    outputTokens: 0,
  });
  const later = world.arrive();
  world.answer(running!);
  assert.equal(world.answered(running!).reply.status, "ok");
  assert.deepEqual(world.running, []);
  world.worker("down");
  world.worker("up");
  assert.deepEqual(world.groups.at(-1), [turnedBack, later]);
  world.finish();
  assert.equal(world.answered(turnedBack!).reply.status, "ok");
});

for (const [name, tokenIndex] of [["gap", 2], ["repeated token", 0]] as const) {
  Deno.test(`a stream with a ${name} fails, and its row is freed`, () => {
    const world = new World(DIRECT);
    const ticket = world.arrive({ stream: true });
    world.token(ticket);
    world.tokens(world.row(ticket), tokenIndex);
    assert.equal(world.answered(ticket).reply.status, "worker_internal_error");
    assert.match(
      world.answered(ticket).reply.errorMessage,
      new RegExp(`sent token ${tokenIndex} where token 1 was`),
    );
    assert.deepEqual(world.cancelledRows, [ticket]);
  });
}

Deno.test("a stream whose last tokens are missing fails", () => {
  const world = new World(DIRECT);
  const ticket = world.arrive({ stream: true, tokens: 3 });
  world.token(ticket, 2);
  world.end(world.row(ticket));
  assert.match(world.answered(ticket).reply.errorMessage, /not whole: 2 of 3 tokens came/);
});

Deno.test("an answer under another request's id reaches nobody", () => {
  const world = new World({ ...BATCHES, MAX_BATCH_SIZE: 2 });
  const [first, second] = [world.arrive(), world.arrive()];
  const { wireId } = world.row(second);
  world.answer(first, { wireId, responseText: "of the second" });
  assert.equal(world.answered(first).reply.status, "worker_internal_error");
  assert.equal(world.answered(first).reply.responseText, "");
  world.answer(second);
  assert.equal(world.answered(second).reply.status, "ok");
});

Deno.test("what is said of a sequence that was never sent reaches nobody but the log", () => {
  const world = new World(DIRECT);
  world.arrive();
  world.step({ deltas: [{ sequence: 77, tokenIndex: 0, tokens: 1, text: "whose?" }] });
  assert.deepEqual(world.warnings, ["the worker spoke of a sequence 77 that was never sent"]);
  world.finish();
});

Deno.test("the phases of a request follow each other from its arrival to its answer", () => {
  const world = new World({ ...BATCHES, MAX_BATCH_SIZE: 2 });
  world.arriveTogether(2);
  world.advance(3);
  const ticket = world.arrive({ stream: true, tokens: 2 });
  world.advance(4);
  world.answer(1);
  world.answer(2);
  world.advance(6);
  world.advance(20);
  world.token(ticket);
  world.advance(5);
  world.answer(ticket);
  assert.deepEqual(world.answered(ticket).phases, {
    queuedAt: 1003,
    placeAt: 1007,
    dispatchedAt: 1013,
    firstTokenAt: 1033,
    lastTokenAt: 1038,
  });
});

Deno.test("a request that another thread's clock puts into the future moves the time, and what is due with it", () => {
  const world = new World(QUEUED);
  const first = world.arrive();
  const overdue = world.arrive({ deadlineIn: 10 });
  world.now += 12;
  const ahead = world.arrival();
  world.now -= 12;
  world.tell(ahead);
  assert.equal(world.refused(overdue).code, "deadline_exceeded");
  world.answer(first);
  assert.deepEqual(world.running, [ahead.ticket]);
});

Deno.test("two hundred thousand waiting requests leave as one group and come back from a lost worker", () => {
  const many = 200_000;
  const world = new World({ ...CONTINUOUS, MAX_CONCURRENT_STREAMS: 0 }, {
    queueCapacity: many,
    queueBytes: 1e9,
  }, {
    state: "draining",
  });
  world.arriveTogether(many);
  world.worker("up");
  assert.equal(world.running.length, many);
  world.crash();
  assert.equal(world.stats.queueDepth, many);
  world.worker("up");
  const lastTicket = world.groups.at(-1)!.at(-1)!;
  assert.equal(lastTicket, many);
});
