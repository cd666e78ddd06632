/**
 * Todos, and how they lie in the state store: one item each, `todo/ID` or `archive/ID`, so that two people can change two todos
 * at once, and a prefix lists them.
 */

import { StateError, Store } from "./dapr.ts";
import { Failure } from "./failure.js";

/**
 * @import { Item, Operation } from "./dapr.ts"
 * @import { Change, New } from "./failure.js"
 */

/**
 * What is stored. `expires_at` is when it goes away, in seconds since 1970. The store knows it too, from a TTL that counts from
 * the latest write; this is the end that was set once, which a change must not move.
 *
 * @typedef {{ title: string, done: boolean, expires_at?: number }} Todo
 */

/**
 * What is answered.
 *
 * @typedef {{ id: string } & Todo} Named
 */

/** The key prefix of the todos. */
export const TODOS = "todo/";

/** The key prefix of those that were done and put away. */
export const ARCHIVE = "archive/";

/** Archived todos go away after 30 days. */
const ARCHIVE_TTL = 30 * 24 * 60 * 60;

/** A transaction takes 1000 operations, and to archive a todo is two of them. */
const ARCHIVED_AT_ONCE = 500;

/** How often a change starts again because somebody else was faster. */
const TRIES = 10;

const store = new Store("statestore");

/**
 * @param {New} todo
 * @returns {Named}
 */
export function create({ title, ttl }) {
  const id = crypto.randomUUID().replaceAll("-", "");
  const todo = { title, done: false, ...(ttl === undefined ? {} : { expires_at: end(ttl) }) };
  store.set(TODOS + id, todo, { condition: "absent", ...(ttl === undefined ? {} : { ttl }) });
  return { id, ...todo };
}

/**
 * @param {string} id
 * @returns {Named}
 */
export function find(id) {
  return { id, ...current(store.get(TODOS + id)) };
}

/**
 * No change is lost: it is written on the condition that nobody wrote in between.
 *
 * @param {string} id
 * @param {Change} change
 * @returns {Named}
 */
export function change(id, change) {
  const todo = store.update(TODOS + id, (todo) => ({ ...current(todo), ...change }), {
    // A write without TTL would make the item live for ever, so that what is left of it has to be said again.
    ttl: remaining,
    tries: TRIES,
  });
  return { id, ...todo };
}

/** @param {string} id */
export function remove(id) {
  store.delete(TODOS + id);
}

/**
 * The todos under a prefix, a page at a time, in the order that the store has them, and the cursor that gets the next ones.
 *
 * @param {string} prefix
 * @param {string} [cursor]
 * @returns {{ todos: Named[], cursor: string | null }}
 */
export function page(prefix, cursor) {
  const { todos, next } = listing(prefix, cursor);
  return { todos: todos.map(([id, { value }]) => ({ id, ...value })), cursor: next ?? null };
}

/**
 * Moves todos that are done to the archive, all of them or none: at any moment each is in one place.
 *
 * Returns how many; there may be more to do when it is `ARCHIVED_AT_ONCE`.
 */
export function archiveDone() {
  for (let left = TRIES; ; left--) {
    const operations = archiving();
    if (operations.length === 0) return 0;
    try {
      store.transact(operations);
      return operations.length / 2;
    } catch (error) {
      // Somebody changed one of them since it was read: see which are done now.
      if (!(error instanceof StateError && error.code === "etag-mismatch" && left > 1)) throw error;
    }
  }
}

/** The transaction that archives what is done now. */
function archiving() {
  /**
   * By id, since a key may be on two pages while others write, and only once in a transaction.
   *
   * @type {Map<string, Item<Todo>>}
   */
  const done = new Map();
  /** @type {string | undefined} */
  let cursor;
  do {
    const { todos, next } = listing(TODOS, cursor);
    for (const [id, item] of todos) if (item.value.done) done.set(id, item);
    cursor = next;
  } while (cursor !== undefined && done.size < ARCHIVED_AT_ONCE);

  return [...done].slice(0, ARCHIVED_AT_ONCE).flatMap(([id, { value, etag }]) => {
    if (etag === undefined) throw new StateError("unsupported", "the store has no etags");
    /** @type {Operation[]} */
    const moves = [
      { delete: TODOS + id, etag },
      { set: ARCHIVE + id, value: { ...value, expires_at: end(ARCHIVE_TTL) }, ttl: ARCHIVE_TTL },
    ];
    return moves;
  });
}

/**
 * One page of a listing: ids with what is stored under them, without those that went away since they were listed.
 *
 * @param {string} prefix
 * @param {string} [cursor]
 */
function listing(prefix, cursor) {
  const page = store.keys(prefix, cursor === undefined ? {} : { cursor });
  /** @type {(Item<Todo> | undefined)[]} */
  const items = store.items(page.keys);
  /** @type {[string, Item<Todo>][]} */
  const todos = page.keys.flatMap((key, index) => {
    const item = items[index];
    return item && !isOver(item.value) ? [[key.slice(prefix.length), item]] : [];
  });
  return { todos, next: page.cursor };
}

/**
 * What is stored, unless its time is over: the store rounds up, by part of a second.
 *
 * @param {Todo | undefined} todo
 */
function current(todo) {
  if (!todo || isOver(todo)) throw new Failure(404, "there is no such thing");
  return todo;
}

// ---- when a todo goes away by itself ----
//
// The store counts a TTL from the moment of a write. A todo keeps the second of its end as well, and each change gives the store
// what is left until then: were the store's own end passed on from change to change, each could add the part of a second that it
// was rounded up by, and a todo that is changed often enough would never end.

/**
 * When a lifetime that begins now has passed. The second that has begun counts in full.
 *
 * @param {number} ttl
 */
function end(ttl) {
  return Math.ceil(Date.now() / 1000) + ttl;
}

/** @param {Todo} todo */
function isOver({ expires_at }) {
  return expires_at !== undefined && Date.now() / 1000 >= expires_at;
}

/**
 * The seconds that are left, for the store's TTL.
 *
 * @param {Todo} todo
 */
function remaining({ expires_at }) {
  if (expires_at === undefined) return undefined;
  const seconds = expires_at - Math.floor(Date.now() / 1000);
  if (seconds <= 0) throw new Failure(404, "there is no such thing");
  return Math.min(seconds, 2 ** 31 - 1);
}
