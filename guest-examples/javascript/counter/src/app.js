/** A counter over HTTP: `POST /NAME` adds one, `GET /NAME` reads it. */

import { Hono } from "hono";
// The SDK is one file in TypeScript, which is bundled as it is, and tells editors its types.
import { StateError, Store } from "./dapr.ts";
import { status } from "./status.js";
import { serve } from "./wasi-http.ts";

/** A table `[state.NAME]` of `components.toml`; the host has this one without any configuration. */
const store = new Store("statestore");

const app = new Hono();

// And HEAD, as Hono has it.
app.get("*", (c) => number(store.get(name(c.req.url)) ?? 0));

// Additions that come at the same time all count: each is written on the condition that nobody wrote in between, and starts
// again if somebody did.
app.post("*", (c) => number(store.update(name(c.req.url), (count = 0) => oneMore(counted(count)))));

app.all("*", () => line(405, "a counter takes GET and POST", { allow: "GET, HEAD, POST" }));

app.onError((error) => {
  if (error instanceof RangeError) return line(409, "the counter is at its maximum");
  if (error instanceof URIError) return line(400, "the name is not UTF-8 in percent encoding");
  if (error instanceof SyntaxError || error instanceof TypeError) {
    return line(500, "what is stored under this name is not a number");
  }
  if (!(error instanceof StateError)) throw error;
  return error.code === "etag-mismatch"
    ? line(409, "others were faster each time: try again")
    : line(status(error), error.message);
});

export const incomingHandler = serve(app.fetch);

/**
 * The path without its first slash, decoded.
 *
 * @param {string} url
 */
function name(url) {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || "default";
}

/**
 * @param {unknown} count
 * @returns {number}
 */
function counted(count) {
  if (typeof count === "number" && Number.isSafeInteger(count)) return count;
  throw new TypeError("not a number");
}

/** @param {number} count */
function oneMore(count) {
  if (count < Number.MAX_SAFE_INTEGER) return count + 1;
  throw new RangeError("no more");
}

/** @param {unknown} count */
function number(count) {
  return line(200, String(counted(count)));
}

/**
 * @param {number} status
 * @param {string} text
 * @param {Record<string, string>} headers
 */
function line(status, text, headers = {}) {
  return new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}
