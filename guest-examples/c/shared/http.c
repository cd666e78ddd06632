#include "http.h"

typedef wasi_http_0_2_10_types_tuple2_field_name_field_value_t field_t;

// What the host takes in one call.
#define CHUNK 4096
// What the host is asked for at once.
#define READ (64 << 10)

// In the order of their tags; all others have a name.
static const char *const METHODS[] = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
};

static text_t method_of(wasi_http_0_2_10_types_borrow_incoming_request_t request) {
  wasi_http_0_2_10_types_method_t method;
  wasi_http_0_2_10_types_method_incoming_request_method(request, &method);
  if (method.tag == WASI_HTTP_0_2_10_TYPES_METHOD_OTHER) return method.val.other;
  const char *name = METHODS[method.tag];
  return (text_t){(uint8_t *)name, strlen(name)};
}

bool is_get_or_head(const request_t *request) {
  return equal(request->method, TEXT("GET")) || equal(request->method, TEXT("HEAD"));
}

bool whole_body(const request_t *request, text_t *body) {
  wasi_http_0_2_10_types_own_incoming_body_t whole;
  wasi_http_0_2_10_types_own_input_stream_t stream;
  if (!wasi_http_0_2_10_types_method_incoming_request_consume(request->handle, &whole)) return false;
  if (!wasi_http_0_2_10_types_method_incoming_body_stream(wasi_http_0_2_10_types_borrow_incoming_body(whole), &stream)) {
    return false;
  }
  *body = (text_t){NULL, 0};
  http_app_list_u8_t part;
  wasi_io_streams_stream_error_t error;
  while (wasi_io_streams_method_input_stream_blocking_read(wasi_io_streams_borrow_input_stream(stream), READ, &part, &error)) {
    *body = joined(*body, (text_t){part.ptr, part.len});
  }
  // The stream is a part of the body, and goes before it.
  wasi_io_streams_input_stream_drop_own(stream);
  wasi_http_0_2_10_types_incoming_body_drop_own(whole);
  return error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
}

static void add(field_t *fields, size_t *count, text_t name, text_t value) {
  if (value.len) fields[(*count)++] = (field_t){name, {value.ptr, value.len}};
}

static void respond(wasi_http_0_2_10_types_own_response_outparam_t out, const response_t *response) {
  field_t fields[4];
  wasi_http_0_2_10_types_list_tuple2_field_name_field_value_t list = {fields, 0};
  add(fields, &list.len, TEXT("content-type"), response->content_type);
  add(fields, &list.len, TEXT("allow"), response->allow);
  add(fields, &list.len, TEXT("location"), response->location);
  if (response->body.len) add(fields, &list.len, TEXT("content-length"), printed("%zu", response->body.len));

  wasi_http_0_2_10_types_own_fields_t headers;
  wasi_http_0_2_10_types_header_error_t malformed;
  // The app's own names and values are well-formed and not forbidden.
  if (!wasi_http_0_2_10_types_static_fields_from_list(&list, &headers, &malformed)) abort();
  wasi_http_0_2_10_types_own_outgoing_response_t outgoing = wasi_http_0_2_10_types_constructor_outgoing_response(headers);
  wasi_http_0_2_10_types_borrow_outgoing_response_t borrowed = wasi_http_0_2_10_types_borrow_outgoing_response(outgoing);
  wasi_http_0_2_10_types_own_outgoing_body_t body;
  wasi_http_0_2_10_types_own_output_stream_t stream;
  if (!wasi_http_0_2_10_types_method_outgoing_response_set_status_code(borrowed, response->status)) abort();
  if (!wasi_http_0_2_10_types_method_outgoing_response_body(borrowed, &body)) abort();
  wasi_http_0_2_10_types_result_own_outgoing_response_error_code_t done = {.is_err = false, .val.ok = outgoing};
  wasi_http_0_2_10_types_static_response_outparam_set(out, &done);

  if (!wasi_http_0_2_10_types_method_outgoing_body_write(wasi_http_0_2_10_types_borrow_outgoing_body(body), &stream)) abort();
  wasi_io_streams_stream_error_t gone;
  bool taken = true;
  for (text_t rest = response->body; rest.len && taken;) {
    http_app_list_u8_t part = {rest.ptr, rest.len < CHUNK ? rest.len : CHUNK};
    // A client that went away in the meantime wants no answer, and one that asked with HEAD no body.
    taken = wasi_io_streams_method_output_stream_blocking_write_and_flush(
        wasi_io_streams_borrow_output_stream(stream), &part, &gone);
    rest = after(rest, part.len);
  }
  wasi_io_streams_output_stream_drop_own(stream);
  wasi_http_0_2_10_types_error_code_t failed;
  wasi_http_0_2_10_types_static_outgoing_body_finish(body, NULL, &failed);
}

void exports_wasi_http_0_2_10_incoming_handler_handle(
    exports_wasi_http_0_2_10_incoming_handler_own_incoming_request_t own,
    exports_wasi_http_0_2_10_incoming_handler_own_response_outparam_t out) {
  request_t request = {.handle = wasi_http_0_2_10_types_borrow_incoming_request(own)};
  request.method = method_of(request.handle);
  text_t target = TEXT("/");
  wasi_http_0_2_10_types_method_incoming_request_path_with_query(request.handle, &target);
  request.path = before(&target, '?');
  request.query = target;
  response_t response = answer(&request);
  respond(out, &response);
  wasi_http_0_2_10_types_incoming_request_drop_own(own);
}
