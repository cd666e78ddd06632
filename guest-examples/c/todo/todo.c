// A to-do list as a JSON API. This file is HTTP, `todos.c` is what the app knows about its data.

#include "http.h"
#include "todos.h"

static response_t reply(uint16_t status, text_t json) {
  return (response_t){.status = status, .content_type = TEXT("application/json"), .body = json};
}

static response_t error(uint16_t status, text_t text) {
  return reply(status, joined(joined(TEXT("{\"error\":"), json_text(text)), TEXT("}")));
}

static response_t bad(const char *why) {
  return error(400, (text_t){(uint8_t *)why, strlen(why)});
}

static response_t not_allowed(text_t allow) {
  response_t response = error(405, joined(TEXT("use one of "), allow));
  response.allow = allow;
  return response;
}

static response_t refused(outcome_t outcome) {
  static const uint16_t STATUS[] = {
      [BAD] = 400, [NOT_FOUND] = 404, [BUSY] = 409, [UNAVAILABLE] = 503, [OUTCOME_UNKNOWN] = 504, [FAILED] = 500,
  };
  if (outcome.kind < UNAVAILABLE) return error(STATUS[outcome.kind], outcome.text);
  // The store failed, or what it holds is no todo: nothing that a client could mend or should read about. What an app prints is
  // in the host's log, under the app's name.
  fprintf(stderr, "%.*s\n", SHOWN(outcome.text));
  return error(STATUS[outcome.kind], TEXT("the todos are out of reach"));
}

static response_t one(outcome_t outcome, const todo_t *todo) {
  return outcome.kind == DONE ? reply(200, todo_json(todo, true)) : refused(outcome);
}

// ---- what a request asks for ----

static response_t create(const request_t *request) {
  text_t body;
  json_field_t fields[] = {{TEXT("title")}, {TEXT("ttl")}};
  if (!whole_body(request, &body)) return bad("the body cannot be read");
  const char *wrong = json_read(body, fields, 2);
  if (wrong) return bad(wrong);
  if (fields[0].kind != JSON_TEXT) return bad("a todo has a title, which is text");
  bool has_ttl = fields[1].kind != JSON_ABSENT && fields[1].kind != JSON_NULL;
  if (has_ttl && (fields[1].kind != JSON_NUMBER || !fields[1].number || fields[1].number > UINT32_MAX)) {
    return bad("the ttl is no number of seconds");
  }
  todo_t made;
  outcome_t outcome = todo_create(fields[0].text, has_ttl ? (uint32_t)fields[1].number : 0, &made);
  if (outcome.kind != DONE) return refused(outcome);
  response_t response = reply(201, todo_json(&made, true));
  response.location = joined(TEXT("/todos/"), made.id);
  return response;
}

static response_t change(const request_t *request, text_t id) {
  text_t body;
  json_field_t fields[] = {{TEXT("title")}, {TEXT("done")}};
  if (!whole_body(request, &body)) return bad("the body cannot be read");
  const char *wrong = json_read(body, fields, 2);
  if (wrong) return bad(wrong);
  for (size_t at = 0; at < 2; at++) {
    if (fields[at].kind == JSON_NULL) fields[at].kind = JSON_ABSENT;
  }
  if (fields[0].kind != JSON_ABSENT && fields[0].kind != JSON_TEXT) return bad("a title is text");
  if (fields[1].kind > JSON_FALSE) return bad("done is true or false");
  todo_change_t changes = {{fields[0].kind == JSON_TEXT, fields[0].text}, fields[1].kind};
  todo_t changed;
  return one(todo_change(id, &changes, &changed), &changed);
}

// Stricter than a web page's form: what has no meaning here is refused.
static const char *cursor_of(text_t query, http_app_option_string_t *cursor) {
  while (query.len) {
    text_t value = before(&query, '&');
    text_t name = before(&value, '=');
    if (!equal(name, TEXT("cursor"))) return "a parameter has no meaning here";
    if (cursor->is_some) return "the parameter cursor is given twice";
    for (size_t at = 0; at < value.len; at++) {
      if (value.ptr[at] == '+') value.ptr[at] = ' ';
    }
    cursor->is_some = true;
    if (!decoded(value, &cursor->val)) return "the cursor is not UTF-8 in percent encoding";
  }
  return NULL;
}

static response_t list(const request_t *request, text_t prefix) {
  http_app_option_string_t cursor = {0};
  const char *wrong = cursor_of(request->query, &cursor);
  if (wrong) return bad(wrong);
  todo_page_t page;
  outcome_t outcome = todo_list(prefix, cursor, &page);
  if (outcome.kind != DONE) return refused(outcome);
  text_t json = TEXT("{\"todos\":[");
  for (size_t at = 0; at < page.len; at++) {
    if (at) json = joined(json, TEXT(","));
    json = joined(json, todo_json(&page.ptr[at], true));
  }
  text_t next = page.cursor.is_some ? json_text(page.cursor.val) : TEXT("null");
  return reply(200, joined(joined(json, TEXT("],\"cursor\":")), joined(next, TEXT("}"))));
}

static response_t archive_done(void) {
  size_t count;
  outcome_t outcome = todo_archive_done(&count);
  return outcome.kind == DONE ? reply(200, printed("{\"archived\":%zu}", count)) : refused(outcome);
}

// The name of a todo: 32 hex digits. Under any other there is nothing, so the store is not asked.
static bool is_id(text_t text) {
  if (text.len != 32) return false;
  for (size_t at = 0; at < text.len; at++) {
    if (!memchr("0123456789abcdef", text.ptr[at], 16)) return false;
  }
  return true;
}

static response_t with_id(const request_t *request, text_t id) {
  bool reads = is_get_or_head(request), patches = equal(request->method, TEXT("PATCH"));
  bool deletes = equal(request->method, TEXT("DELETE"));
  if (!reads && !patches && !deletes) return not_allowed(TEXT("GET, HEAD, PATCH, DELETE"));
  if (!is_id(id)) return error(404, TEXT("there is no such thing"));
  if (patches) return change(request, id);
  todo_t found;
  if (reads) return one(todo_find(id, &found), &found);
  outcome_t outcome = todo_remove(id);
  return outcome.kind == DONE ? (response_t){.status = 204} : refused(outcome);
}

response_t answer(const request_t *request) {
  bool reads = is_get_or_head(request), posts = equal(request->method, TEXT("POST"));
  if (equal(request->path, TEXT("/todos"))) {
    return reads ? list(request, TODOS) : posts ? create(request) : not_allowed(TEXT("GET, HEAD, POST"));
  }
  if (equal(request->path, TEXT("/todos/archive-done"))) return posts ? archive_done() : not_allowed(TEXT("POST"));
  if (equal(request->path, TEXT("/archive"))) return reads ? list(request, ARCHIVE) : not_allowed(TEXT("GET, HEAD"));
  if (starts_with(request->path, TEXT("/todos/"))) return with_id(request, after(request->path, TEXT("/todos/").len));
  return error(404, TEXT("there is no such thing"));
}
