import assert from "node:assert/strict";
import fc from "fast-check";
import { CairnError } from "./errors.ts";
import { orderByNeed } from "./order.ts";

const service = (name: string, ...needs: string[]) => ({ name, needs });
const names = (services: readonly { name: string }[]) => services.map(({ name }) => name);

function refusal(...services: { name: string; needs: string[] }[]): CairnError {
  try {
    orderByNeed(services);
  } catch (error) {
    assert.ok(error instanceof CairnError);
    assert.equal(error.code, "SERVICE_START_FAILED");
    return error;
  }
  return assert.fail("expected a refusal");
}

Deno.test("orderByNeed() puts needs first and otherwise keeps the listed order", () => {
  const ordered = orderByNeed([
    service("admin"),
    service("blocks", "store", "rpc"),
    service("rpc"),
    service("store"),
  ]);
  assert.deepEqual(names(ordered), ["admin", "store", "rpc", "blocks"]);
});

Deno.test("orderByNeed() names the whole cycle", () => {
  const { message } = refusal(service("x", "a"), service("a", "b"), service("b", "c"), service("c", "a"));
  assert.match(message, /a -> b -> c -> a/);
  assert.match(refusal(service("self", "self")).message, /self -> self/);
});

Deno.test("orderByNeed() names a missing need and suggests the nearest service", () => {
  const error = refusal(service("blocks", "stor"), service("store"));
  assert.match(error.message, /'blocks' needs 'stor'/);
  assert.equal(error.hint, "did it mean 'store'?");
});

Deno.test("orderByNeed() refuses a name listed twice", () => {
  assert.match(refusal(service("a"), service("a")).message, /two services are named 'a'/);
});

Deno.test("orderByNeed() puts every need before its service in any acyclic graph", () => {
  const graph = fc.integer({ min: 1, max: 12 }).chain((size) =>
    fc.tuple(
      fc.shuffledSubarray(Array.from({ length: size }, (_, i) => i), { minLength: size }),
      fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 30 }),
    )
  );
  fc.assert(fc.property(graph, ([listed, edges]) => {
    const services = listed.map((i) =>
      service(`s${i}`, ...edges.filter(([from, to]) => from === i && to < i).map(([, to]) => `s${to}`))
    );
    const ordered = orderByNeed(services);
    assert.equal(new Set(ordered).size, services.length);
    ordered.forEach(({ needs }, at) => {
      for (const need of needs) assert.ok(ordered.findIndex(({ name }) => name === need) < at);
    });
  }));
});
