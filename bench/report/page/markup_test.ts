import assert from "node:assert/strict";
import { markup } from "./markup.ts";

Deno.test("what is put in is escaped once, at any depth; the template itself is not", () => {
  const item = markup`<li title="${'"x"'}">${"<b> & 'c'"}</li>`;
  assert.equal(item.text, '<li title="&quot;x&quot;">&lt;b&gt; &amp; &#39;c&#39;</li>');
  assert.equal(markup`<ul>${[item, [item]]}${1}</ul>`.text, `<ul>${item.text}${item.text}1</ul>`);
});
