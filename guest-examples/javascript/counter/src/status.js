/** An error of `dapr:state` as HTTP has it. */

/** @import { ErrorCode, StateError } from "./dapr.ts" */

/** @type {Record<ErrorCode, number>} */
const STATUS = {
  invalid: 400,
  denied: 403,
  "no-such-store": 404,
  "etag-mismatch": 412,
  "too-large": 413,
  throttled: 429,
  internal: 500,
  unsupported: 501,
  "not-configured": 501,
  unavailable: 503,
  "outcome-unknown": 504,
};

/** @param {StateError} error */
export function status(error) {
  return STATUS[error.code];
}
