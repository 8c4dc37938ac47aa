import assert from "node:assert/strict";
import fc from "fast-check";
import { TenantLabels } from "./tenant_labels.ts";

const names = fc.oneof(fc.stringMatching(/^~{0,3}(none|other)$/), fc.string(), fc.constant(""));

Deno.test("two tenants with labels of their own never share one, whatever they are called", () => {
  fc.assert(fc.property(fc.uniqueArray(names, { minLength: 1, maxLength: 30 }), (tenants) => {
    const labels = new TenantLabels(30);
    const told = tenants.map((tenant) => labels.of(tenant, true));
    assert.equal(new Set(told).size, told.length);
    assert.deepEqual(tenants.map((tenant) => labels.of(tenant, true)), told);
  }));
});

Deno.test("there are at most so many labels, none and other beside", () => {
  fc.assert(fc.property(fc.array(names), fc.nat(5), (tenants, most) => {
    const labels = new TenantLabels(most);
    const told = new Set(tenants.map((tenant) => labels.of(tenant, true)));
    told.delete("none");
    told.delete("other");
    assert.ok(told.size <= most);
  }));
});

Deno.test("who is turned away takes no label from those that are let in", () => {
  const labels = new TenantLabels(1);
  assert.equal(labels.of("guess", false), "other");
  assert.equal(labels.of("acme", true), "acme");
  assert.equal(labels.of("acme", false), "acme");
  assert.equal(labels.of("late", true), "other");
});
