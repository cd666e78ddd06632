// HTTP as an app sees it: a request, and what it is answered.
#pragma once

#include "text.h"

typedef struct {
  text_t method;
  // As it was sent: still encoded.
  text_t path;
  text_t query;
  wasi_http_0_2_10_types_borrow_incoming_request_t handle;
} request_t;

typedef struct {
  uint16_t status;
  text_t content_type;
  // Where there is none of the following, the header is left out.
  text_t allow;
  text_t location;
  text_t body;
} response_t;

// What the app is: called once, for the one request of an instance.
response_t answer(const request_t *request);

// Whether it is GET, or HEAD: the same without the body, which the host leaves out.
bool is_get_or_head(const request_t *request);

// The body of a request, which can be asked for once. False where the client did not send all of it.
bool whole_body(const request_t *request, text_t *body);
