/**
 * State of dapr-wasm for apps in TypeScript and JavaScript: values as JSON, options with defaults, errors as exceptions.
 *
 *     const store = new Store("statestore");
 *     store.set("greeting", { text: "hello" });
 *     const greeting = store.get<Greeting>("greeting");
 *     const visits = store.update<number>("visits", (count = 0) => count + 1);
 *
 * It stands on the interface `dapr:state/store@0.1.0`, which the app's world has to import, and adds nothing to what that does:
 * its documentation in WIT holds here. A call returns when the store has answered; there is nothing to await.
 */

import * as host from "dapr:state/store@0.1.0";

/** Why an operation was not done: the code to act on. */
export type ErrorCode =
  | "invalid"
  | "too-large"
  | "etag-mismatch"
  | "no-such-store"
  | "not-configured"
  | "denied"
  | "unsupported"
  | "throttled"
  | "unavailable"
  | "outcome-unknown"
  | "internal";

/** An operation that was not done. Act on `code`; the message is for a person. */
export class StateError extends Error {
  override readonly name = "StateError";

  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Items of a bulk write that were not done; all the others were. */
export class BulkError extends Error {
  override readonly name = "BulkError";

  constructor(
    /** What failed: the position in the list that was passed, its key, and why. */
    readonly items: readonly { index: number; key: string; error: StateError }[],
  ) {
    super(items.map(({ key, error }) => `${key}: ${error.message}`).join("; "));
  }
}

/** How much a read or write must agree with others: a hint, which a store of one consistency ignores. */
export type Consistency = "eventual" | "strong";

/** How to read. */
export interface ReadOptions {
  consistency?: Consistency;
  /** For the store, as it is. */
  metadata?: Record<string, string>;
}

/** What must be true of an item for a write to be done: that there is none, or that nobody has written since it was read. */
export type Condition = "absent" | { etag: string };

/** How to write. */
export interface WriteOptions extends ReadOptions {
  /** Without one, the last write wins. */
  condition?: Condition;
  /** Seconds that the item lives. Without them it does not end. */
  ttl?: number;
  /** Of the value. What the store's codec says, if it is left out. */
  contentType?: string;
}

/** How to delete. */
export interface DeleteOptions extends ReadOptions {
  /** Delete only if the item has this etag. Without one, whatever is there. */
  etag?: string;
}

/** How to update. */
export interface UpdateOptions<T> extends Omit<WriteOptions, "condition" | "ttl"> {
  /** Seconds that the item lives from now on, or what they are for the value that is about to be written. */
  ttl?: number | ((value: T) => number | undefined);
  /** How often to try while others are faster: 64 by default. */
  tries?: number;
}

/** An item, with what the host knows about it. */
export interface Item<T> {
  value: T;
  /** The version, for conditions. Missing where the store has no etags. */
  etag?: string;
  contentType?: string;
  /** When it ends, in seconds since 1970. */
  expiresAt?: number;
  /** What else the store says. */
  metadata: Record<string, string>;
}

/** An item of a bulk write. */
export type SetItem = { key: string; value: unknown } & WriteOptions;

/** An item of a bulk delete. */
export type DeleteItem = { key: string } & DeleteOptions;

/** One step of a transaction: `{ set: key, value }` or `{ delete: key }`, each with its options. */
export type Operation = ({ set: string; value: unknown } & WriteOptions) | ({ delete: string } & DeleteOptions);

/** One page of a listing. */
export interface KeyPage {
  /** In no particular order. A key may be on two pages while others write. */
  keys: string[];
  /** What gets the next page; missing on the last one. */
  cursor?: string;
}

/** How values lie in a store. */
export interface Codec {
  contentType?: string;
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** Values as JSON: what a store has unless it is told otherwise. */
export const json: Codec = {
  contentType: "application/json",
  encode: (value) => new TextEncoder().encode(JSON.stringify(value) ?? unwritable(value)),
  decode: (bytes) => JSON.parse(strict.decode(bytes)),
};

/** Values as text in UTF-8. */
export const text: Codec = {
  contentType: "text/plain; charset=utf-8",
  encode: (value) => new TextEncoder().encode(value === undefined ? unwritable(value) : String(value)),
  decode: (bytes) => strict.decode(bytes),
};

/** Values as the bytes that they are. */
export const bytes: Codec = {
  encode: (value) => (value === undefined ? unwritable(value) : (value as Uint8Array)),
  decode: (value) => value,
};

const strict = new TextDecoder("utf-8", { fatal: true });

/** What is nothing would be an item without a byte, which nobody can read: a function that forgets its `return` answers that. */
function unwritable(value: unknown): never {
  const means = "store null for nothing, and let the function that `update` is given return what the value becomes";
  throw new TypeError(`what is of the type ${typeof value} cannot be stored: ${means}`);
}

/** A store of the configuration: a table `[state.NAME]`. */
export class Store {
  constructor(
    readonly name = "statestore",
    private readonly codec: Codec = json,
  ) {}

  /** The value under a key, or `undefined` if there is none. */
  get<T>(key: string, options?: ReadOptions): T | undefined {
    return this.item<T>(key, options)?.value;
  }

  /** The item under a key, with its etag. */
  item<T>(key: string, options?: ReadOptions): Item<T> | undefined {
    const entry = calling(() => host.get(this.name, key, reading(options)));
    return entry == null ? undefined : this.lifted<T>(entry);
  }

  /** The items under up to 1000 keys, in their order. */
  items<T>(keys: string[], options?: ReadOptions): (Item<T> | undefined)[] {
    const entries = calling(() => host.bulkGet(this.name, keys, reading(options)));
    return entries.map((entry) => (entry == null ? undefined : this.lifted<T>(entry)));
  }

  /** Writes a value. */
  set(key: string, value: unknown, options: WriteOptions = {}): void {
    calling(() => host.set(this.name, key, this.codec.encode(value), this.writing(options)));
  }

  /** Writes up to 1000 values, each on its own. For all or nothing use `transact`. */
  setAll(items: SetItem[]): void {
    const lowered = items.map((item) => this.lowered(item.key, item.value, item));
    callingForEach(items, () => host.bulkSet(this.name, lowered));
  }

  /** Removes what is under a key. That nothing was there is no error, unless an etag was given. */
  delete(key: string, options: DeleteOptions = {}): void {
    calling(() => host["delete"](this.name, key, deleting(options)));
  }

  /** Removes what is under up to 1000 keys, each on its own. */
  deleteAll(items: DeleteItem[]): void {
    const lowered = items.map((item) => ({ key: item.key, options: deleting(item) }));
    callingForEach(items, () => host.bulkDelete(this.name, lowered));
  }

  /** Does up to 1000 operations, all or none. A key may be named once. */
  transact(operations: Operation[], metadata: Record<string, string> = {}): void {
    const lowered = operations.map((operation): host.Operation =>
      "set" in operation
        ? { tag: "set", val: this.lowered(operation.set, operation.value, operation) }
        : { tag: "delete", val: { key: operation.delete, options: deleting(operation) } },
    );
    calling(() => host.transact(this.name, lowered, { metadata: Object.entries(metadata) }));
  }

  /** A page of the app's keys that start with a prefix: 100 of them, if no limit is given. */
  keys(prefix = "", options: { limit?: number; cursor?: string } = {}): KeyPage {
    const { keys, cursor } = calling(() => host.listKeys(this.name, prefix, options));
    return { keys, ...given({ cursor }) };
  }

  /** All of the app's keys that start with a prefix, asked for page by page. */
  *allKeys(prefix = ""): Generator<string, void, undefined> {
    let cursor: string | undefined;
    do {
      const page = this.keys(prefix, given({ cursor }));
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /**
   * Reads a value, has it changed, and writes it on the condition that nobody wrote in between; if somebody did, all over again.
   * So `change` may be called several times, and should do nothing but say what the value becomes. What it throws ends the
   * update, and nothing is written.
   *
   * Returns what was written. Throws `etag-mismatch` when others were faster each time.
   */
  update<T>(key: string, change: (value: T | undefined) => T, options: UpdateOptions<T> = {}): T {
    const { tries = 64, ttl, ...rest } = options;
    for (let left = tries; ; left--) {
      const item = this.item<T>(key, rest);
      if (item && item.etag === undefined) throw new StateError("unsupported", `the store ${this.name} has no etags`);
      const value = change(item?.value);
      const lives = typeof ttl === "function" ? ttl(value) : ttl;
      const condition: Condition = item?.etag === undefined ? "absent" : { etag: item.etag };
      try {
        this.set(key, value, { ...rest, condition, ...given({ ttl: lives }) });
        return value;
      } catch (error) {
        if (!(error instanceof StateError && error.code === "etag-mismatch" && left > 1)) throw error;
      }
    }
  }

  private lifted<T>(entry: host.Entry): Item<T> {
    const { value, etag, contentType, expiresAt, metadata } = entry;
    return {
      value: this.codec.decode(value) as T,
      ...given({ etag, contentType, expiresAt: expiresAt == null ? undefined : Number(expiresAt) }),
      metadata: Object.fromEntries(metadata),
    };
  }

  private lowered(key: string, value: unknown, options: WriteOptions): host.SetItem {
    return { key, value: this.codec.encode(value), options: this.writing(options) };
  }

  private writing(options: WriteOptions): host.SetOptions {
    const { condition, ttl, contentType = this.codec.contentType } = options;
    return {
      condition:
        condition === undefined
          ? { tag: "any" }
          : condition === "absent"
            ? { tag: "absent" }
            : { tag: "matches", val: condition.etag },
      ...given({ ttl: ttl === undefined ? undefined : seconds(ttl), contentType }),
      ...reading(options),
    };
  }
}

function reading({ consistency, metadata = {} }: ReadOptions = {}): host.GetOptions {
  return { ...given({ consistency }), metadata: Object.entries(metadata) };
}

function deleting(options: DeleteOptions): host.DeleteOptions {
  return { ...given({ etag: options.etag }), ...reading(options) };
}

/** The bindings would make another number of what is none that a TTL can be. */
function seconds(ttl: number): number {
  if (Number.isInteger(ttl) && ttl >= 0 && ttl < 2 ** 32) return ttl;
  throw new StateError("invalid", `a TTL of ${ttl} is no number of seconds from 1 to 2147483647`);
}

/** Without what is undefined. */
function given<T extends object>(fields: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}

type Failure = { tag: ErrorCode; val: string };

/** What a host function threw: an error of the bindings' own making, which is none of the `Error` that is known here. */
function payload(thrown: unknown): unknown {
  return typeof thrown === "object" && thrown !== null && "payload" in thrown ? thrown.payload : thrown;
}

function calling<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw stateError(payload(thrown) as Failure) ?? thrown;
  }
}

function stateError(failure: Failure | undefined): StateError | undefined {
  return typeof failure?.tag === "string" ? new StateError(failure.tag, failure.val) : undefined;
}

function callingForEach(items: { key: string }[], call: () => void): void {
  try {
    call();
  } catch (thrown) {
    const failure = payload(thrown) as
      | { tag: "call"; val: Failure }
      | { tag: "items"; val: { index: number; error: Failure }[] }
      | undefined;
    if (failure?.tag === "call") throw stateError(failure.val);
    if (failure?.tag !== "items") throw thrown;
    throw new BulkError(
      failure.val.map(({ index, error }) => ({
        index,
        key: items[index]?.key ?? "",
        error: new StateError(error.tag, error.val),
      })),
    );
  }
}
