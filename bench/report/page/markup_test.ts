import assert from "node:assert/strict";
import fc from "fast-check";
import { markup, scriptJson } from "./markup.ts";

Deno.test("what is put in is escaped once, at any depth; the template itself is not", () => {
  const item = markup`<li title="${'"x"'}">${"<b> & 'c'"}</li>`;
  assert.equal(item.text, '<li title="&quot;x&quot;">&lt;b&gt; &amp; &#39;c&#39;</li>');
  assert.equal(markup`<ul>${[item, [item]]}${1}</ul>`.text, `<ul>${item.text}${item.text}1</ul>`);
});

Deno.test("no text can end a script element of JSON, and the JSON says the same", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.constant("</script><!--")), (text) => {
    const json = scriptJson({ text }).text;
    assert.ok(!json.includes("<"));
    assert.deepEqual(JSON.parse(json), { text });
  }));
});
