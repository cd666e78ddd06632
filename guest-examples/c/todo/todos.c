#include "todos.h"
#include <time.h>
#include <unistd.h>

// How often a change starts again because somebody else was faster.
#define TRIES 10
// Archived todos go away after 30 days.
#define ARCHIVE_TTL (30 * 24 * 60 * 60)
// A transaction takes 1000 operations, and to archive a todo is two of them.
#define ARCHIVED_AT_ONCE 500
// Longest title. A page of a listing is read at once, and must fit into the 8 MiB that a bulk read answers.
#define TITLE 1024
#define LONGEST_TTL 0x7FFFFFFF

static text_t store = TEXT("statestore");

static const outcome_t DONE_WELL = {DONE, {NULL, 0}};
#define NOTHING ((outcome_t){NOT_FOUND, TEXT("there is no such thing")})

static outcome_t failed(const dapr_state_store_error_t *error) {
  // Each error has a text at the same place.
  text_t text = error->val.internal;
  switch (error->tag) {
  // What reaches the store from a client is a cursor and a TTL.
  case DAPR_STATE_TYPES_ERROR_INVALID: return (outcome_t){BAD, text};
  case DAPR_STATE_TYPES_ERROR_ETAG_MISMATCH: return (outcome_t){BUSY, TEXT("others were faster: try again")};
  case DAPR_STATE_TYPES_ERROR_THROTTLED:
  case DAPR_STATE_TYPES_ERROR_UNAVAILABLE: return (outcome_t){UNAVAILABLE, text};
  case DAPR_STATE_TYPES_ERROR_OUTCOME_UNKNOWN: return (outcome_t){OUTCOME_UNKNOWN, text};
  default: return (outcome_t){FAILED, text};
  }
}

// ---- when a todo goes away by itself ----
//
// The store counts a TTL from the moment of a write. A todo keeps the second of its end as well, and each change gives the store
// what is left until then: were the store's own end passed on from change to change, each could add the part of a second that it
// was rounded up by, and a todo that is changed often enough would never end.

static struct timespec now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

// When a lifetime that begins now has passed. The second that has begun counts in full.
static uint64_t end(uint32_t ttl) {
  struct timespec start = now();
  return (uint64_t)start.tv_sec + (start.tv_nsec > 0) + ttl;
}

static bool is_over(const todo_t *todo) {
  return todo->expires_at && (uint64_t)now().tv_sec >= todo->expires_at;
}

// The seconds that are left, for the store's TTL; none where there is no end.
static http_app_option_u32_t remaining(const todo_t *todo) {
  uint64_t seconds = todo->expires_at - (uint64_t)now().tv_sec;
  return (http_app_option_u32_t){todo->expires_at != 0, seconds > LONGEST_TTL ? LONGEST_TTL : (uint32_t)seconds};
}

// ---- what is stored ----

text_t todo_json(const todo_t *todo, bool with_id) {
  text_t id = with_id ? printed("\"id\":\"%.*s\",", SHOWN(todo->id)) : TEXT("");
  text_t end = todo->expires_at ? printed(",\"expires_at\":%llu", (unsigned long long)todo->expires_at) : TEXT("");
  text_t done = todo->done ? TEXT(",\"done\":true") : TEXT(",\"done\":false");
  // A title may hold a zero byte, which no printf gets over.
  text_t title = joined(joined(joined(TEXT("{"), id), TEXT("\"title\":")), json_text(todo->title));
  return joined(joined(title, done), joined(end, TEXT("}")));
}

static outcome_t read_todo(text_t id, const dapr_state_store_entry_t *entry, todo_t *todo) {
  json_field_t fields[] = {{TEXT("title")}, {TEXT("done")}, {TEXT("expires_at")}};
  const char *error = json_read((text_t){entry->value.ptr, entry->value.len}, fields, 3);
  bool is_todo = fields[0].kind == JSON_TEXT && (fields[1].kind == JSON_TRUE || fields[1].kind == JSON_FALSE);
  if (error || !is_todo) return (outcome_t){FAILED, TEXT("what is stored is no todo")};
  *todo = (todo_t){id, fields[0].text, fields[1].kind == JSON_TRUE, fields[2].number};
  // The store rounds up, by part of a second.
  return is_over(todo) ? NOTHING : DONE_WELL;
}

static http_app_list_u8_t stored(const todo_t *todo) {
  text_t json = todo_json(todo, false);
  return (http_app_list_u8_t){json.ptr, json.len};
}

static dapr_state_store_set_options_t options(uint8_t condition) {
  return (dapr_state_store_set_options_t){
      .condition.tag = condition,
      .content_type = {true, TEXT("application/json")},
  };
}

static outcome_t checked_title(text_t title) {
  if (!title.len) return (outcome_t){BAD, TEXT("the title is empty")};
  if (title.len > TITLE) return (outcome_t){BAD, printed("the title is longer than %d bytes", TITLE)};
  return DONE_WELL;
}

// ---- one todo ----

outcome_t todo_create(text_t title, uint32_t ttl, todo_t *made) {
  outcome_t outcome = checked_title(title);
  if (outcome.kind != DONE) return outcome;
  uint64_t random[2];
  if (getentropy(random, sizeof random) != 0) abort();
  text_t id = printed("%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
  *made = (todo_t){id, title, false, ttl ? end(ttl) : 0};
  dapr_state_store_set_options_t how = options(DAPR_STATE_TYPES_CONDITION_ABSENT);
  how.ttl = (http_app_option_u32_t){ttl != 0, ttl};
  text_t key = joined(TODOS, id);
  http_app_list_u8_t value = stored(made);
  dapr_state_store_error_t error;
  return dapr_state_store_set(&store, &key, &value, &how, &error) ? DONE_WELL : failed(&error);
}

static outcome_t get(text_t id, todo_t *todo, dapr_state_types_option_etag_t *etag) {
  text_t key = joined(TODOS, id);
  dapr_state_store_option_entry_t entry;
  dapr_state_store_error_t error;
  if (!dapr_state_store_get(&store, &key, NULL, &entry, &error)) return failed(&error);
  if (!entry.is_some) return NOTHING;
  *etag = entry.val.etag;
  return read_todo(id, &entry.val, todo);
}

outcome_t todo_find(text_t id, todo_t *found) {
  dapr_state_types_option_etag_t etag;
  return get(id, found, &etag);
}

outcome_t todo_change(text_t id, const todo_change_t *change, todo_t *changed) {
  outcome_t outcome = change->title.is_some ? checked_title(change->title.val) : DONE_WELL;
  if (outcome.kind != DONE) return outcome;
  text_t key = joined(TODOS, id);
  for (int left = TRIES; left > 0; left--) {
    dapr_state_types_option_etag_t etag;
    outcome = get(id, changed, &etag);
    if (outcome.kind != DONE) return outcome;
    if (!etag.is_some) return (outcome_t){FAILED, TEXT("the store has no etags")};
    if (change->title.is_some) changed->title = change->title.val;
    if (change->done != JSON_ABSENT) changed->done = change->done == JSON_TRUE;
    dapr_state_store_set_options_t how = options(DAPR_STATE_TYPES_CONDITION_MATCHES);
    how.condition.val.matches = etag.val;
    // A write without TTL would make the item live for ever, so that what is left of it has to be said again.
    if (is_over(changed)) return NOTHING;
    how.ttl = remaining(changed);
    http_app_list_u8_t value = stored(changed);
    dapr_state_store_error_t error;
    if (dapr_state_store_set(&store, &key, &value, &how, &error)) return DONE_WELL;
    outcome = failed(&error);
    if (outcome.kind != BUSY) return outcome;
  }
  return outcome;
}

outcome_t todo_remove(text_t id) {
  text_t key = joined(TODOS, id);
  dapr_state_store_error_t error;
  return dapr_state_store_delete(&store, &key, NULL, &error) ? DONE_WELL : failed(&error);
}

// ---- several ----

// One page of a listing, without what went away since it was listed, and the etags of what is there.
static outcome_t listing(
    text_t prefix, http_app_option_string_t cursor, todo_page_t *page, dapr_state_types_option_etag_t **etags) {
  dapr_state_store_list_options_t which = {.cursor = cursor};
  dapr_state_store_key_page_t found;
  dapr_state_store_list_option_entry_t entries;
  dapr_state_store_error_t error;
  if (!dapr_state_store_list_keys(&store, &prefix, &which, &found, &error)) return failed(&error);
  if (!dapr_state_store_bulk_get(&store, &found.keys, NULL, &entries, &error)) return failed(&error);
  *page = (todo_page_t){allocate(entries.len * sizeof(todo_t)), 0, found.cursor};
  *etags = allocate(entries.len * sizeof **etags);
  for (size_t at = 0; at < entries.len; at++) {
    if (!entries.ptr[at].is_some) continue;
    text_t id = after(found.keys.ptr[at], prefix.len);
    outcome_t outcome = read_todo(id, &entries.ptr[at].val, &page->ptr[page->len]);
    if (outcome.kind == FAILED) return outcome;
    if (outcome.kind == DONE) (*etags)[page->len++] = entries.ptr[at].val.etag;
  }
  return DONE_WELL;
}

outcome_t todo_list(text_t prefix, http_app_option_string_t cursor, todo_page_t *page) {
  dapr_state_types_option_etag_t *etags;
  return listing(prefix, cursor, page, &etags);
}

static dapr_state_types_operation_t deleting(text_t id, dapr_state_types_etag_t etag) {
  dapr_state_types_operation_t operation = {.tag = DAPR_STATE_TYPES_OPERATION_DELETE};
  operation.val.delete_.key = joined(TODOS, id);
  operation.val.delete_.options.is_some = true;
  operation.val.delete_.options.val.etag = (dapr_state_types_option_etag_t){true, etag};
  return operation;
}

static dapr_state_types_operation_t archiving(todo_t todo) {
  dapr_state_types_operation_t operation = {.tag = DAPR_STATE_TYPES_OPERATION_SET};
  todo.expires_at = end(ARCHIVE_TTL);
  operation.val.set.key = joined(ARCHIVE, todo.id);
  operation.val.set.value = stored(&todo);
  operation.val.set.options.is_some = true;
  operation.val.set.options.val = options(DAPR_STATE_TYPES_CONDITION_ANY);
  operation.val.set.options.val.ttl = (http_app_option_u32_t){true, ARCHIVE_TTL};
  return operation;
}

// A key may be on two pages while others write, and only once in a transaction.
static bool is_in(const dapr_state_store_list_operation_t *operations, text_t id) {
  for (size_t at = 0; at < operations->len; at += 2) {
    if (equal(after(operations->ptr[at].val.delete_.key, TODOS.len), id)) return true;
  }
  return false;
}

// The transaction that archives what is done now.
static outcome_t archive_operations(dapr_state_store_list_operation_t *operations) {
  *operations = (dapr_state_store_list_operation_t){allocate(2 * ARCHIVED_AT_ONCE * sizeof *operations->ptr), 0};
  todo_page_t page = {0};
  do {
    dapr_state_types_option_etag_t *etags;
    outcome_t outcome = listing(TODOS, page.cursor, &page, &etags);
    if (outcome.kind != DONE) return outcome;
    for (size_t at = 0; at < page.len && operations->len < 2 * ARCHIVED_AT_ONCE; at++) {
      if (!page.ptr[at].done || is_in(operations, page.ptr[at].id)) continue;
      if (!etags[at].is_some) return (outcome_t){FAILED, TEXT("the store has no etags")};
      operations->ptr[operations->len++] = deleting(page.ptr[at].id, etags[at].val);
      operations->ptr[operations->len++] = archiving(page.ptr[at]);
    }
  } while (page.cursor.is_some && operations->len < 2 * ARCHIVED_AT_ONCE);
  return DONE_WELL;
}

outcome_t todo_archive_done(size_t *count) {
  outcome_t outcome = DONE_WELL;
  for (int left = TRIES; left > 0; left--) {
    dapr_state_store_list_operation_t operations;
    outcome = archive_operations(&operations);
    *count = operations.len / 2;
    if (outcome.kind != DONE || !operations.len) return outcome;
    dapr_state_store_error_t error;
    if (dapr_state_store_transact(&store, &operations, NULL, &error)) return DONE_WELL;
    // Somebody changed one of them since it was read: see which are done now.
    outcome = failed(&error);
    if (outcome.kind != BUSY) return outcome;
  }
  return outcome;
}
