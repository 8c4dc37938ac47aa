import assert from "node:assert/strict";
import fc from "fast-check";
import { OmnispanError } from "../../../core/errors.ts";
import { Buffer } from "node:buffer";
import { MAX_ID_BYTES } from "../../validate.ts";
import {
  CHAT_FIELDS,
  COMPLETION_FIELDS,
  MAX_PROMPTS,
  MESSAGE_FIELDS,
  PART_FIELDS,
  STREAM_OPTIONS_FIELDS,
} from "./fields.ts";
import { readChat, readCompletion } from "./requests.ts";
import { type Field, type Fields, UnknownFields } from "./schema.ts";

const HEADERS = { requestId: "r", tenantId: undefined, modeHint: "" };
const MESSAGES = [{ role: "user", content: "hi" }];

function chat(body: unknown, unknown = new UnknownFields("refuse"), headers = HEADERS) {
  return readChat(body, headers, unknown);
}

function completion(body: unknown, unknown = new UnknownFields("refuse")) {
  return readCompletion(body, HEADERS, unknown);
}

function raw(body: Record<string, unknown>) {
  return chat({ messages: MESSAGES, ...body }).requests[0]!;
}

Deno.test("what a request leaves out is OpenAI's default, or the engine's", () => {
  assert.deepEqual(raw({}), {
    requestId: "r",
    tenantId: "",
    modeHint: "",
    names: {
      request_id: "x-request-id",
      mode_hint: "omnispan-mode",
      tenant_id: "user",
      max_tokens: "max_tokens",
    },
    prompt: "",
    promptTokens: [],
    messages: MESSAGES,
    rawPrompt: false,
    maxTokens: 0,
    minTokens: 0,
    temperature: 1,
    topP: 0,
    topK: 0,
    frequencyPenalty: 0,
    presencePenalty: 0,
    repetitionPenalty: 0,
    stop: [],
    ignoreEos: false,
  });
});

Deno.test("a top_p of 0 is the least, not none; a seed of 0 is one; null is as left out", () => {
  assert.ok(raw({ top_p: 0 }).topP > 0);
  assert.equal(raw({ seed: 0 }).seed, 0);
  const nulls = Object.fromEntries(Object.keys(CHAT_FIELDS).map((name) => [name, null]));
  assert.deepEqual(raw({ ...nulls, messages: MESSAGES }), raw({}));
});

function nothingOf(field: Field): readonly unknown[] {
  return "idle" in field ? ["x", { any: ["thing"] }] : field.nothing ?? [];
}

Deno.test("every value that asks for nothing is taken as if it were not there, at every depth", () => {
  /** Where a table's fields stand in a body. */
  const places: [string, Fields, (fields: Record<string, unknown>) => unknown, unknown][] = [
    ["chat", CHAT_FIELDS, (fields) => chat({ messages: MESSAGES, ...fields }), chat({ messages: MESSAGES })],
    [
      "completions",
      COMPLETION_FIELDS,
      (fields) => completion({ prompt: "x", ...fields }),
      completion({ prompt: "x" }),
    ],
    ["message", MESSAGE_FIELDS, (fields) => raw({ messages: [{ ...MESSAGES[0], ...fields }] }), raw({})],
    [
      "part",
      PART_FIELDS,
      (fields) => raw({ messages: [{ role: "user", content: [{ type: "text", text: "hi", ...fields }] }] }),
      raw({}),
    ],
    ["stream_options", STREAM_OPTIONS_FIELDS, (stream_options) => raw({ stream_options }), raw({})],
  ];
  let taken = 0;
  for (const [place, fields, read, plain] of places) {
    for (const [name, field] of Object.entries(fields)) {
      for (const value of [null, ...nothingOf(field)]) {
        if (value === null && ["messages", "prompt", "role", "content", "type", "text"].includes(name)) {
          continue;
        }
        assert.deepEqual(read({ [name]: value }), plain, `${place}: ${name}: ${JSON.stringify(value)}`);
        taken++;
      }
    }
  }
  assert.ok(taken > 150, `${taken} values`);
});

Deno.test("what more a field asks for that is not supported is refused by its name, with what is taken and why", () => {
  let refused = 0;
  for (const [fields, read] of [[CHAT_FIELDS, chat], [COMPLETION_FIELDS, completion]] as const) {
    for (const [name, field] of Object.entries(fields) as [string, Field][]) {
      if (!("why" in field)) continue;
      for (const value of [7, { some: "thing" }, ["x"], {}, [[]]]) {
        const isNothing = field.nothing.some((one) => JSON.stringify(one) === JSON.stringify(value));
        if (isNothing) continue;
        const body = read === chat ? { messages: MESSAGES } : { prompt: "x" };
        assert.throws(() => read({ ...body, [name]: value }), (thrown) => {
          assert.ok(thrown instanceof OmnispanError);
          assert.equal(thrown.param, name);
          assert.ok(thrown.message.startsWith(`${name} must be `), thrown.message);
          assert.ok(thrown.message.includes(`null here: ${field.why}, got `), thrown.message);
          return true;
        });
        refused++;
      }
    }
  }
  assert.ok(refused > 200, `${refused} values`);
});

Deno.test("any seed of 64 bits is one: small ones stay as they are, equal ones stay equal, -1 is none", () => {
  const seedOf = (seed: unknown) => raw({ seed }).seed;
  for (const seed of [0, 1, 42, 2 ** 32 - 1]) assert.equal(seedOf(seed), seed);
  assert.equal(seedOf(-1), undefined);
  for (
    const text of ["-2", "4294967296", "9223372036854775807", "-9223372036854775808", "9007199254740993"]
  ) {
    const seed = seedOf(JSON.parse(text))!;
    assert.ok(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32, `${text}: ${seed}`);
    assert.equal(seedOf(JSON.parse(text)), seed);
  }
  assert.notEqual(seedOf(2 ** 32), seedOf(2 ** 33));
  for (const seed of [1.5, 2 ** 64, "1"]) {
    assert.throws(() => seedOf(seed), /^OmnispanError: seed must be a whole number of 64 bits, got/);
  }
});

Deno.test("an unknown field is refused at every depth, or ignored and named once", () => {
  const body = {
    messages: [...MESSAGES, {
      role: "user",
      content: [{ type: "text", text: "hi", cache_control: {} }],
      mood: "ü",
    }],
    stream: true,
    stream_options: { "include-all": true, unset: null },
    no_such_field: 1,
  };
  const places = [
    [{ no_such_field: 1 }, "no_such_field"],
    [{ stream: true, stream_options: { x: 1 } }, "stream_options.x"],
    [{ messages: [body.messages[0], { ...MESSAGES[0], mood: 1 }] }, "messages[1].mood"],
    [{ messages: [body.messages[1]] }, "messages[0].content[0].cache_control"],
  ] as const;
  for (const [fields, param] of places) {
    assert.throws(() => raw(fields), (thrown) => {
      assert.ok(thrown instanceof OmnispanError);
      assert.equal(thrown.message, `${param} is no field that is known here`);
      assert.equal(thrown.param, param);
      return true;
    });
  }
  const unknown = new UnknownFields("ignore");
  const asked = chat({ ...body, messages: [...body.messages, ...body.messages] }, unknown);
  assert.equal(asked.requests[0]!.messages.length, 4);
  assert.equal(
    unknown.ignored,
    "messages[].content[].cache_control, messages[].mood, stream_options.include-all, no_such_field",
  );
  const none = new UnknownFields("ignore");
  chat({ messages: MESSAGES, unset: null }, none);
  assert.equal(none.ignored, undefined);
});

Deno.test("the names of ignored fields are a header of bounded length, whatever they hold", () => {
  const unknown = new UnknownFields("ignore");
  const names = ["a\r\nset-cookie: b", "\ud83d", "ä, é", ...Array.from({ length: 1000 }, (_, i) => `f${i}`)];
  completion({ prompt: "x", ...Object.fromEntries(names.map((name) => [name, 1])) }, unknown);
  const header = unknown.ignored!;
  assert.match(header, /^[\x21-\x7e]+(, [\x21-\x7e]+)*$/);
  assert.ok(header.startsWith("a%0D%0Aset-cookie%3A%20b, %EF%BF%BD, %C3%A4%2C%20%C3%A9, f0, "), header);
  assert.ok(header.endsWith(", ..."), header);
  assert.ok(new Headers({ "omnispan-ignored-fields": header }));
  const long = new UnknownFields("ignore");
  completion({ prompt: "x", ["\ud83d".repeat(1000)]: 1 }, long);
  assert.ok(long.ignored!.length < 1000);
});

Deno.test("an error names an unknown field in Unicode, wherever its name was cut", () => {
  assert.throws(() => completion({ prompt: "x", ["a".repeat(99) + "😀"]: 1 }), (error) => {
    assert.ok(error instanceof OmnispanError);
    return error.message.isWellFormed() && error.param!.isWellFormed();
  });
});

Deno.test("the header's tenant goes before the user, and that before OpenAI's newer name for it", () => {
  const body = { messages: MESSAGES, user: "u", safety_identifier: "s" };
  assert.equal(raw({ safety_identifier: "s" }).tenantId, "s");
  assert.equal(raw(body).tenantId, "u");
  const [request] = readChat(body, { ...HEADERS, tenantId: "t" }, new UnknownFields("refuse")).requests;
  assert.equal(request!.tenantId, "t");
  assert.equal(raw({ safety_identifier: "s" }).names!.tenant_id, "safety_identifier");
  assert.deepEqual([raw(body), request!].map(({ names }) => names!.tenant_id), ["user", "omnispan-tenant"]);
});

Deno.test("developer is system to a template; parts of text are one text; an assistant may have said nothing", () => {
  const messages = [
    { role: "developer", content: [{ type: "text", text: "be " }, { type: "text", text: "brief" }] },
    { role: "assistant", content: null },
    { role: "assistant" },
    ...MESSAGES,
  ];
  const silent = { role: "assistant", content: "" };
  assert.deepEqual(raw({ messages }).messages, [
    { role: "system", content: "be brief" },
    silent,
    silent,
    ...MESSAGES,
  ]);
  assert.throws(
    () => raw({ messages: [{ role: "user", content: null }] }),
    /messages\[0\]\.content must be a text or an array of 1 to 1024 parts, got null$/,
  );
});

Deno.test("max_tokens and max_completion_tokens may be given together where they are equal", () => {
  assert.equal(raw({ max_tokens: 5, max_completion_tokens: 5 }).maxTokens, 5);
  assert.throws(
    () => raw({ max_tokens: 6, max_completion_tokens: 5 }),
    /max_tokens must be max_completion_tokens \(5\) where both are given, got 6$/,
  );
  assert.equal(raw({ max_completion_tokens: 5 }).names?.max_tokens, "max_completion_tokens");
});

Deno.test("stream options that ask for something stand beside stream alone", () => {
  assert.throws(
    () => raw({ stream_options: { include_usage: true } }),
    /stream_options must ask for nothing/,
  );
  assert.throws(() => raw({ stream_options: { continuous_usage_stats: true } }), /stream_options must ask/);
  const { usage, continuousUsage } = chat({
    messages: MESSAGES,
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  });
  assert.deepEqual([usage, continuousUsage], [true, true]);
});

Deno.test("whatever JSON comes is read or refused by a field's name; no text of it is repeated beyond 32 characters", () => {
  const secret = "a secret that is longer than thirty-two characters";
  // As a value: a field's name is told.
  const json = fc.jsonValue().map((value) =>
    JSON.parse(JSON.stringify(value), (_name, inside) => inside === "" ? secret : inside)
  );
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom(...Object.keys({ ...CHAT_FIELDS, ...COMPLETION_FIELDS })),
  );
  fc.assert(fc.property(fc.dictionary(names, json), json, (fields, text) => {
    for (const way of [chat, completion]) {
      for (const body of [{ ...fields, messages: text, prompt: text }, { messages: [fields] }, fields]) {
        try {
          way(body);
        } catch (thrown) {
          assert.ok(thrown instanceof OmnispanError, String(thrown));
          assert.equal(thrown.code, "invalid_argument");
          assert.ok(!thrown.message.includes(secret), thrown.message);
        }
      }
    }
  }));
});

Deno.test("where a text belongs, or may be meant to, an error tells its length alone, however short it is", () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ messages: "my password" }, /^messages must be an array of 1 to 2048, got a text of 11 characters$/],
    [{ messages: ["my password"] }, /^messages\[0\] must be an object, got a text of 11/],
    [
      { messages: [{ role: "my password", content: "x" }] },
      /^messages\[0\]\.role must be .*, got a text of 11/,
    ],
    [
      { messages: [{ role: "user", content: ["my password"] }] },
      /content\[0\] must be an object, got a text of 11/,
    ],
    [{ messages: [{ ...MESSAGES[0], refusal: "my password" }] }, /refusal must be .*, got a text of 11/],
    [
      { messages: MESSAGES, prediction: "my password" },
      /^prediction must be null here: .*, got a text of 11/,
    ],
  ];
  for (const [body, message] of wrong) {
    assert.throws(() => chat(body), (thrown: Error) => message.test(thrown.message));
  }
  assert.throws(() => completion({ prompt: "x", suffix: "my password" }), /got a text of 11 characters$/);
});

Deno.test("lists are counted before they are looked at", () => {
  const many = Array(140_000).fill({ role: "user", content: "" });
  assert.throws(
    () => raw({ messages: many }),
    /messages must be an array of 1 to 2048, got an array of 140000$/,
  );
  const parts = Array(140_000).fill({ type: "text", text: "" });
  assert.throws(
    () => raw({ messages: [{ role: "user", content: parts }] }),
    /content must be a text or an array of 1 to 1024 parts, got an array of 140000$/,
  );
  assert.throws(
    () => raw({ stop: many }),
    /stop must be a text or an array of up to 16 texts, got an array of/,
  );
  assert.throws(() => completion({ prompt: many }), /of 1 to 128 of these, got an array of 140000$/);
});

Deno.test("an answer is taken back as clients keep it, whatever they put to it that is null", () => {
  const answer = {
    role: "assistant",
    content: "yes",
    name: "robot",
    refusal: null,
    parsed: null,
    reasoning_content: null,
    annotations: [],
    tool_calls: [],
  };
  assert.deepEqual(raw({ messages: [MESSAGES[0], answer, MESSAGES[0]] }).messages[1], {
    role: "assistant",
    content: "yes",
  });
  assert.deepEqual(raw({ reasoning_effort: null, no_such_field: null }), raw({}));
});

for (
  const [resource, type, fields, least] of [
    ["chat/completions/completions", "ChatCompletionCreateParamsBase", CHAT_FIELDS, 25],
    ["completions", "CompletionCreateParamsBase", COMPLETION_FIELDS, 15],
  ] as const
) {
  Deno.test(`every field that OpenAI's client knows is known here: ${resource}`, async () => {
    const types = import.meta.resolve(`openai/resources/${resource}`).replace(/\.m?js$/, ".d.ts");
    const source = await Deno.readTextFile(new URL(types));
    const [, declared = ""] = new RegExp(`export interface ${type} \\{([\\s\\S]*?)\\n\\}`).exec(source) ?? [];
    const names = [...declared.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name]) => name!);
    assert.ok(names.length > least, `${names.length} fields were found`);
    assert.deepEqual(names.filter((name) => !Object.hasOwn(fields, name)), []);
  });
}

Deno.test("a completion takes raw prompts: one text, one list of tokens, or several of these", () => {
  const prompts = (prompt: unknown) =>
    completion({ prompt }).requests.map(({ prompt, promptTokens, rawPrompt }) => {
      assert.equal(rawPrompt, true);
      return promptTokens.length > 0 ? promptTokens : prompt;
    });
  assert.deepEqual(prompts("once"), ["once"]);
  assert.deepEqual(prompts(["once"]), ["once"]);
  assert.deepEqual(prompts(["a", "b"]), ["a", "b"]);
  assert.deepEqual(prompts([1, 2]), [[1, 2]]);
  assert.deepEqual(prompts([[1, 2], [0], "b"]), [[1, 2], [0], "b"]);
  for (const wrong of [5, [], [[]], [1, "a"], [1.5], [-1], [2 ** 32], [[[1]]], [null], {}]) {
    assert.throws(() => prompts(wrong), /^OmnispanError: prompt must be a text, an array of token ids/);
  }
  assert.throws(() => completion({}), /^OmnispanError: prompt must be a text, .*, got nothing$/);
  const ids = completion({ prompt: ["a", "b", "c"] }).requests;
  assert.deepEqual(ids.map(({ requestId }) => requestId), ["r", "r-1", "r-2"]);
  const longest = { ...HEADERS, requestId: "é".repeat(MAX_ID_BYTES / 2) };
  const many = readCompletion({ prompt: Array(MAX_PROMPTS).fill("a") }, longest, new UnknownFields("refuse"));
  assert.equal(new Set(many.requests.map(({ requestId }) => requestId)).size, MAX_PROMPTS);
  assert.ok(many.requests.every(({ requestId }) => Buffer.byteLength(requestId) <= MAX_ID_BYTES));
  assert.deepEqual(ids.map(({ names }) => names?.prompt), ["prompt[0]", "prompt[1]", "prompt[2]"]);
});
