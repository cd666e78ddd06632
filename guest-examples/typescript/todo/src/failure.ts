/** What clients send, checked; and why a request was not done. */

/** A request that was not done, with the status that says so. */
export class Failure extends Error {
  constructor(
    readonly status: 400 | 404,
    message: string,
  ) {
    super(message);
  }
}

/** A todo to be. */
export interface New {
  title: string;
  /** Seconds until it goes away by itself. */
  ttl?: number;
}

/** What to change in a todo. */
export interface Change {
  title?: string;
  done?: boolean;
}

/** Longest title, in bytes. A page of a listing is read at once, and must fit into the 8 MiB that a bulk read answers. */
const TITLE = 1024;

/** The name of a todo: 32 hex digits. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

export function created(body: string): New {
  const { title, ttl } = fields(body, ["title", "ttl"]);
  if (title === undefined) throw new Failure(400, "a todo has a title");
  return { title: checkedTitle(title), ...(ttl == null ? {} : { ttl: checkedTtl(ttl) }) };
}

export function changed(body: string): Change {
  const { title, done } = fields(body, ["title", "done"]);
  if (done != null && typeof done !== "boolean") throw new Failure(400, "done is true or false");
  return {
    ...(title == null ? {} : { title: checkedTitle(title) }),
    ...(done == null ? {} : { done }),
  };
}

/** The fields of a JSON object that has no others. */
function fields<Name extends string>(body: string, names: Name[]): { [name in Name]?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new Failure(400, (error as SyntaxError).message);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Failure(400, "the body is no JSON object");
  }
  const other = Object.keys(value).find((name) => !names.includes(name as Name));
  if (other !== undefined) throw new Failure(400, `unknown field ${other}: there are ${names.join(" and ")}`);
  return value as { [name in Name]?: unknown };
}

function checkedTitle(title: unknown): string {
  if (typeof title !== "string") throw new Failure(400, "the title is no text");
  if (title === "") throw new Failure(400, "the title is empty");
  if (new TextEncoder().encode(title).length > TITLE) throw new Failure(400, `the title is longer than ${TITLE} bytes`);
  return title;
}

function checkedTtl(ttl: unknown): number {
  if (typeof ttl === "number" && Number.isInteger(ttl) && ttl > 0) return ttl;
  throw new Failure(400, "the ttl is no number of seconds");
}
