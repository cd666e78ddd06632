// Todos, and how they lie in the state store: one item each, `todo/ID` or `archive/ID`, so that two people can change two todos at
// once, and a prefix lists them.
#pragma once

#include "json.h"

// The key prefixes of the todos, and of those that were done and put away.
#define TODOS TEXT("todo/")
#define ARCHIVE TEXT("archive/")

typedef struct {
  text_t id;
  text_t title;
  bool done;
  // When it goes away, in seconds since 1970; 0 for never. The store knows it too, from a TTL that counts from the latest write;
  // this is the end that was set once, which a change must not move.
  uint64_t expires_at;
} todo_t;

typedef struct {
  todo_t *ptr;
  size_t len;
  http_app_option_string_t cursor;
} todo_page_t;

// What to change in a todo.
typedef struct {
  http_app_option_string_t title;
  json_kind_t done;
} todo_change_t;

// How a request went. Of all but `DONE` a text says why, for the client or, of `FAILED`, for the log.
typedef struct {
  enum { DONE, BAD, NOT_FOUND, BUSY, UNAVAILABLE, OUTCOME_UNKNOWN, FAILED } kind;
  text_t text;
} outcome_t;

outcome_t todo_create(text_t title, uint32_t ttl, todo_t *made);
outcome_t todo_find(text_t id, todo_t *found);
// Reads, changes and writes on the condition that nobody wrote in between, so that no change is lost.
outcome_t todo_change(text_t id, const todo_change_t *change, todo_t *changed);
outcome_t todo_remove(text_t id);
// The todos under a prefix, a page at a time, in the order that the store has them.
outcome_t todo_list(text_t prefix, http_app_option_string_t cursor, todo_page_t *page);
// Moves todos that are done to the archive, all of them or none: at any moment each is in one place. There may be more to do when
// 500 were.
outcome_t todo_archive_done(size_t *count);

// What is stored, and what is answered, which has the id as well.
text_t todo_json(const todo_t *todo, bool with_id);
