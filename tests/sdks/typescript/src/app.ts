/** Does everything that the SDK has, and answers what was not as it should be. */

import { BulkError, bytes, StateError, Store, text, type ErrorCode } from "./dapr.js";
import { answer } from "./http.js";
import { serve } from "./wasi-http.js";

export const incomingHandler = serve((request) => (new URL(request.url).pathname === "/" ? state() : answer(request)));

function state(): Response {
  try {
    for (const claim of [values, conditions, severalAtOnce, transactions, listing, updates, refusals, nothings]) claim();
    return new Response("ok");
  } catch (error) {
    const { message, stack } = error as Error;
    return new Response(`${message}\n${stack}`, { status: 500 });
  }
}

const store = new Store("statestore");

function same(found: unknown, expected: unknown): void {
  const [one, other] = [found, expected].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${one} is not ${other}`);
}

function fails(code: ErrorCode, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (error instanceof StateError && error.code === code && error.message !== "") return;
    throw error;
  }
  throw new Error(`nothing was ${code}`);
}

function values(): void {
  same(store.get("absent"), undefined);
  same(store.item("absent"), undefined);
  const value = { text: "käse \u{1F9C0}", list: [1, null, true] };
  store.set("value", value, { consistency: "strong", metadata: { a: "b" } });
  same(store.get("value", { consistency: "strong", metadata: { a: "b" } }), value);
  const item = store.item("value");
  same([item?.contentType, item?.expiresAt, typeof item?.etag], ["application/json", undefined, "string"]);
  store.set("ending", 1, { ttl: 1000, contentType: "text/x-number" });
  const ending = store.item("ending");
  same(ending?.contentType, "text/x-number");
  same(Math.abs((ending?.expiresAt ?? 0) - Date.now() / 1000 - 1000) < 60, true);

  const raw = new Store("statestore", bytes);
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  raw.set("bytes", all);
  same([...(raw.get<Uint8Array>("bytes") ?? [])], [...all]);
  new Store("statestore", text).set("text", "plain");
  same(new Store("statestore", text).get("text"), "plain");
}

function conditions(): void {
  store.set("conditional", 1, { condition: "absent" });
  fails("etag-mismatch", () => store.set("conditional", 2, { condition: "absent" }));
  const stale = store.item("conditional")?.etag ?? "";
  store.set("conditional", 3, { condition: { etag: stale } });
  fails("etag-mismatch", () => store.set("conditional", 4, { condition: { etag: stale } }));
  fails("etag-mismatch", () => store.delete("conditional", { etag: stale }));
  same(store.get("conditional"), 3);
  store.delete("conditional", { etag: store.item("conditional")?.etag ?? "" });
  store.delete("conditional");
  same(store.get("conditional"), undefined);
}

function partly(call: () => void): unknown {
  try {
    call();
  } catch (error) {
    if (!(error instanceof BulkError)) throw error;
    return error.items.map(({ index, key, error }) => [index, key, error.code]);
  }
  return "all";
}

function severalAtOnce(): void {
  store.setAll([{ key: "a", value: 1 }, { key: "b", value: 2 }]);
  same(store.items(["b", "absent", "a"]).map((item) => item?.value ?? "none"), [2, "none", 1]);
  const written = partly(() =>
    store.setAll([{ key: "c", value: 3 }, { key: "a", value: 4, condition: "absent" }, { key: "d", value: 5 }]),
  );
  same(written, [[1, "a", "etag-mismatch"]]);
  same([store.get("a"), store.get("c"), store.get("d")], [1, 3, 5]);
  same(partly(() => store.deleteAll([{ key: "c" }, { key: "d", etag: "stale" }])), [[1, "d", "etag-mismatch"]]);
  same([store.get("c"), store.get("d")], [undefined, 5]);
  fails("invalid", () => store.setAll([{ key: "", value: 1 }, { key: "", value: 2 }]));
}

function transactions(): void {
  const a = store.item("a")?.etag ?? "";
  fails("etag-mismatch", () => store.transact([{ set: "b", value: 9 }, { delete: "a", etag: "stale" }]));
  same([store.get("a"), store.get("b")], [1, 2]);
  store.transact([{ set: "b", value: 9, ttl: 1000 }, { delete: "a", etag: a }]);
  same([store.get("a"), store.get("b")], [undefined, 9]);
}

function listing(): void {
  for (const key of ["x", "y", "z"]) store.set(`list/${key}`, key);
  const first = store.keys("list/", { limit: 2 });
  same(first.keys.length, 2);
  const second = store.keys("list/", { cursor: first.cursor ?? "" });
  same([...first.keys, ...second.keys].sort(), ["list/x", "list/y", "list/z"]);
  same(second.cursor, undefined);
  for (let number = 0; number < 120; number++) store.set(`many/${number}`, number);
  same(new Set(store.allKeys("many/")).size, 120);
}

function updates(): void {
  same(store.update<number>("count", (count = 0) => count + 1), 1);
  let calls = 0;
  const collided = store.update<number>("count", (count = 0) => {
    // Somebody else is faster, once.
    if (calls++ === 0) store.set("count", 10);
    return count + 1;
  });
  same([collided, calls, store.get("count")], [11, 2, 11]);
  fails("etag-mismatch", () =>
    store.update<number>("count", (count = 0) => (store.set("count", count + 1), -1), { tries: 3 }),
  );
  same(store.get("count"), 14);
  try {
    store.update<number>("count", () => {
      throw new RangeError("enough");
    });
  } catch (error) {
    same((error as Error).message, "enough");
  }
  same(store.get("count"), 14);
  store.update<number>("count", (count = 0) => count, { ttl: (count) => count * 100 });
  same(Math.abs((store.item("count")?.expiresAt ?? 0) - Date.now() / 1000 - 1400) < 60, true);
}

function refusals(): void {
  fails("invalid", () => store.set("k", 1, { ttl: 0 }));
  fails("invalid", () => store.set("k", 1, { ttl: 1.5 }));
  fails("invalid", () => store.set("k", 1, { ttl: 2 ** 33 }));
  fails("invalid", () => store.get(""));
  fails("invalid", () => store.keys("", { cursor: "nonsense" }));
  fails("too-large", () => store.set("k", "x".repeat(5 << 20)));
  fails("no-such-store", () => new Store("nothing").get("k"));
  same(store.get("k"), undefined);
}

/** What is nothing is refused before anything is written, whoever writes it. */
function nothings(): void {
  store.set("was", 1);
  const forgetful = (() => {}) as unknown as () => number;
  for (const write of [
    () => store.set("was", undefined),
    () => store.set("k", () => 1),
    () => store.update("was", forgetful),
    () => store.update("k", forgetful, { ttl: 10 }),
    () => store.setAll([{ key: "was", value: 2 }, { key: "k", value: undefined }]),
    () => store.transact([{ delete: "was" }, { set: "k", value: undefined }]),
    () => new Store("statestore", text).set("k", undefined),
    () => new Store("statestore", bytes).set("k", undefined),
  ]) {
    same(refused(write), true);
    same([store.get("was"), store.get("k")], [1, undefined]);
  }
}

function refused(write: () => unknown): boolean {
  try {
    write();
  } catch (error) {
    if (error instanceof TypeError && error.message.includes("store null")) return true;
    throw error;
  }
  return false;
}
