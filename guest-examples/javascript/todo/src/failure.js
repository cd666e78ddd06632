/** What clients send, checked; and why a request was not done. */

/** A request that was not done, with the status that says so. */
export class Failure extends Error {
  /**
   * @param {400 | 404} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * A todo to be. The TTL: seconds until it goes away by itself.
 *
 * @typedef {{ title: string, ttl?: number }} New
 */

/**
 * What to change in a todo.
 *
 * @typedef {{ title?: string, done?: boolean }} Change
 */

/** Longest title, in bytes. A page of a listing is read at once, and must fit into the 8 MiB that a bulk read answers. */
const TITLE = 1024;

/**
 * The name of a todo: 32 hex digits.
 *
 * @param {string} text
 */
export function isId(text) {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * @param {string} body
 * @returns {New}
 */
export function created(body) {
  const { title, ttl } = fields(body, ["title", "ttl"]);
  if (title === undefined) throw new Failure(400, "a todo has a title");
  return { title: checkedTitle(title), ...(ttl == null ? {} : { ttl: checkedTtl(ttl) }) };
}

/**
 * @param {string} body
 * @returns {Change}
 */
export function changed(body) {
  const { title, done } = fields(body, ["title", "done"]);
  if (done != null && typeof done !== "boolean") throw new Failure(400, "done is true or false");
  return {
    ...(title == null ? {} : { title: checkedTitle(title) }),
    ...(done == null ? {} : { done }),
  };
}

/**
 * The fields of a JSON object that has no others.
 *
 * @param {string} body
 * @param {string[]} names
 * @returns {{ [name: string]: unknown }}
 */
function fields(body, names) {
  let value;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new Failure(400, /** @type {SyntaxError} */ (error).message);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Failure(400, "the body is no JSON object");
  }
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other !== undefined) throw new Failure(400, `unknown field ${other}: there are ${names.join(" and ")}`);
  return value;
}

/** @param {unknown} title */
function checkedTitle(title) {
  if (typeof title !== "string") throw new Failure(400, "the title is no text");
  if (title === "") throw new Failure(400, "the title is empty");
  if (new TextEncoder().encode(title).length > TITLE) throw new Failure(400, `the title is longer than ${TITLE} bytes`);
  return title;
}

/** @param {unknown} ttl */
function checkedTtl(ttl) {
  if (typeof ttl === "number" && Number.isInteger(ttl) && ttl > 0) return ttl;
  throw new Failure(400, "the ttl is no number of seconds");
}
