/**
 * Todos, and how they lie in the state store: one item each, `todo/ID` or `archive/ID`, so that two people can change two todos
 * at once, and a prefix lists them.
 */

import { StateError, Store, type Item, type Operation } from "./dapr.js";
import { Failure, type Change, type New } from "./failure.js";

/** What is stored. */
interface Record {
  title: string;
  done: boolean;
  /**
   * When it goes away, in seconds since 1970. The store knows it too, from a TTL that counts from the latest write; this is the
   * end that was set once, which a change must not move.
   */
  expires_at?: number;
}

/** What is answered. */
export type Todo = { id: string } & Record;

/** Some of the todos, and the cursor that gets the next ones. */
export interface Page {
  todos: Todo[];
  cursor: string | null;
}

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

export function create({ title, ttl }: New): Todo {
  const id = crypto.randomUUID().replaceAll("-", "");
  const record: Record = { title, done: false, ...(ttl === undefined ? {} : { expires_at: end(ttl) }) };
  store.set(TODOS + id, record, { condition: "absent", ...(ttl === undefined ? {} : { ttl }) });
  return { id, ...record };
}

export function find(id: string): Todo {
  return { id, ...current(store.get<Record>(TODOS + id)) };
}

/** No change is lost: it is written on the condition that nobody wrote in between. */
export function change(id: string, change: Change): Todo {
  const record = store.update<Record>(TODOS + id, (record) => ({ ...current(record), ...change }), {
    // A write without TTL would make the item live for ever, so that what is left of it has to be said again.
    ttl: remaining,
    tries: TRIES,
  });
  return { id, ...record };
}

export function remove(id: string): void {
  store.delete(TODOS + id);
}

/** The todos under a prefix, a page at a time, in the order that the store has them. */
export function page(prefix: string, cursor?: string): Page {
  const { records, next } = listing(prefix, cursor);
  return { todos: records.map(([id, { value }]) => ({ id, ...value })), cursor: next ?? null };
}

/**
 * Moves todos that are done to the archive, all of them or none: at any moment each is in one place.
 *
 * Returns how many; there may be more to do when it is `ARCHIVED_AT_ONCE`.
 */
export function archiveDone(): number {
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
function archiving(): Operation[] {
  // By id, since a key may be on two pages while others write, and only once in a transaction.
  const done = new Map<string, Item<Record>>();
  let cursor: string | undefined;
  do {
    const { records, next } = listing(TODOS, cursor);
    for (const [id, item] of records) if (item.value.done) done.set(id, item);
    cursor = next;
  } while (cursor !== undefined && done.size < ARCHIVED_AT_ONCE);

  return [...done].slice(0, ARCHIVED_AT_ONCE).flatMap(([id, { value, etag }]): Operation[] => {
    if (etag === undefined) throw new StateError("unsupported", "the store has no etags");
    return [
      { delete: TODOS + id, etag },
      { set: ARCHIVE + id, value: { ...value, expires_at: end(ARCHIVE_TTL) }, ttl: ARCHIVE_TTL },
    ];
  });
}

/** One page of a listing: ids with what is stored under them, without those that went away since they were listed. */
function listing(prefix: string, cursor?: string): { records: [string, Item<Record>][]; next?: string } {
  const page = store.keys(prefix, cursor === undefined ? {} : { cursor });
  const items = store.items<Record>(page.keys);
  const records = page.keys.flatMap((key, index): [string, Item<Record>][] => {
    const item = items[index];
    return item && !isOver(item.value) ? [[key.slice(prefix.length), item]] : [];
  });
  return { records, ...(page.cursor === undefined ? {} : { next: page.cursor }) };
}

/** What is stored, unless its time is over: the store rounds up, by part of a second. */
function current(record: Record | undefined): Record {
  if (!record || isOver(record)) throw new Failure(404, "there is no such thing");
  return record;
}

// ---- when a todo goes away by itself ----
//
// The store counts a TTL from the moment of a write. A todo keeps the second of its end as well, and each change gives the store
// what is left until then: were the store's own end passed on from change to change, each could add the part of a second that it
// was rounded up by, and a todo that is changed often enough would never end.

/** When a lifetime that begins now has passed. The second that has begun counts in full. */
function end(ttl: number): number {
  return Math.ceil(Date.now() / 1000) + ttl;
}

function isOver({ expires_at }: Record): boolean {
  return expires_at !== undefined && Date.now() / 1000 >= expires_at;
}

/** The seconds that are left, for the store's TTL. */
function remaining({ expires_at }: Record): number | undefined {
  if (expires_at === undefined) return undefined;
  const seconds = expires_at - Math.floor(Date.now() / 1000);
  if (seconds <= 0) throw new Failure(404, "there is no such thing");
  return Math.min(seconds, 2 ** 31 - 1);
}
