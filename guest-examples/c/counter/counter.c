// A counter over HTTP: `POST /NAME` adds one, `GET /NAME` reads it. The numbers lie in the store as decimal text.

#include "http.h"
#include <inttypes.h>

// How often an addition starts again because another request was faster.
#define TRIES 64

// A table `[state.NAME]` of components.toml; the host has this one without any configuration.
static text_t store = TEXT("statestore");

static response_t line(uint16_t status, text_t text) {
  return (response_t){.status = status, .content_type = TEXT("text/plain; charset=utf-8"), .body = text};
}

// The status of an error, in the order of their tags; and each has a text at the same place.
static const uint16_t STATUS[] = {400, 413, 412, 404, 501, 403, 501, 429, 503, 504, 500};

static response_t failed(const dapr_state_store_error_t *error) {
  return line(STATUS[error->tag], error->val.internal);
}

// Reads decimal digits and nothing else.
static bool parsed(http_app_list_u8_t text, uint64_t *number) {
  *number = 0;
  for (size_t at = 0; at < text.len; at++) {
    uint8_t digit = (uint8_t)(text.ptr[at] - '0');
    if (digit > 9 || __builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, digit, number)) return false;
  }
  return text.len > 0;
}

// Adds to the number under a key: nothing, to read it, or one. An addition is written on the condition that nobody wrote in
// between, and starts again if somebody did, so that two at once count as two.
static response_t added(text_t key, uint64_t addend) {
  for (int left = TRIES; left > 0; left--) {
    dapr_state_store_option_entry_t entry;
    dapr_state_store_error_t error;
    if (!dapr_state_store_get(&store, &key, NULL, &entry, &error)) return failed(&error);
    uint64_t number = 0;
    dapr_state_store_set_options_t options = {.condition.tag = DAPR_STATE_TYPES_CONDITION_ABSENT};
    if (entry.is_some) {
      if (!parsed(entry.val.value, &number)) return line(500, TEXT("what is stored under this name is not a number"));
      // Without etags there is no telling whether somebody else wrote, and counts would be lost in silence.
      if (!entry.val.etag.is_some) return line(501, TEXT("the store has no etags"));
      options.condition.tag = DAPR_STATE_TYPES_CONDITION_MATCHES;
      options.condition.val.matches = entry.val.etag.val;
    }
    if (__builtin_add_overflow(number, addend, &number)) return line(409, TEXT("the counter is at its maximum"));
    text_t text = printed("%" PRIu64, number);
    http_app_list_u8_t value = {text.ptr, text.len};
    if (addend == 0 || dapr_state_store_set(&store, &key, &value, &options, &error)) return line(200, text);
    if (error.tag != DAPR_STATE_TYPES_ERROR_ETAG_MISMATCH) return failed(&error);
  }
  return line(409, TEXT("others were faster each time: try again"));
}

response_t answer(const request_t *request) {
  bool reads = is_get_or_head(request);
  if (!reads && !equal(request->method, TEXT("POST"))) {
    response_t refused = line(405, TEXT("a counter takes GET and POST"));
    refused.allow = TEXT("GET, HEAD, POST");
    return refused;
  }
  text_t name;
  if (!decoded(after(request->path, 1), &name)) return line(400, TEXT("the name is not UTF-8 in percent encoding"));
  return added(name.len ? name : TEXT("default"), reads ? 0 : 1);
}
