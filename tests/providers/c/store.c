// A state store in memory, with etags and content types.
//
// What a function is given is its own, to keep or to free; what it answers the host frees. A text or list without length
// has no memory, so what is moved away gets length 0.

#include "state_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef exports_dapr_state_provider_caller_t caller_t;
typedef exports_dapr_state_provider_error_t error_t;
typedef exports_dapr_state_provider_get_options_t get_options_t;
typedef exports_dapr_state_provider_set_item_t set_item_t;
typedef exports_dapr_state_provider_delete_item_t delete_item_t;
typedef exports_dapr_state_provider_option_entry_t answer_t;
typedef state_store_string_t text_t;

typedef struct item {
  struct item *next;
  text_t key;
  state_store_list_u8_t value;
  state_store_option_string_t content_type;
  char etag[40];
} item_t;

#define CHAINS 4096

static item_t *chains[CHAINS];
static unsigned long long run, writes;

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (!memory) abort();
  return memory;
}

static bool equal(const uint8_t *ptr, size_t len, const text_t *text) {
  return len == text->len && memcmp(ptr, text->ptr, len) == 0;
}

// Where the item of a key is, or is to be put.
static item_t **place(const text_t *key) {
  uint32_t hash = 2166136261;
  for (size_t i = 0; i < key->len; i++) hash = (hash ^ key->ptr[i]) * 16777619;
  item_t **at = &chains[hash % CHAINS];
  while (*at && !equal((*at)->key.ptr, (*at)->key.len, key)) at = &(*at)->next;
  return at;
}

static bool matches(const item_t *item, const text_t *etag) {
  return item && equal((const uint8_t *)item->etag, strlen(item->etag), etag);
}

static bool holds(const item_t *item, const exports_dapr_state_provider_condition_t *condition) {
  switch (condition->tag) {
  case DAPR_STATE_TYPES_CONDITION_ABSENT:
    return !item;
  case DAPR_STATE_TYPES_CONDITION_MATCHES:
    return matches(item, &condition->val.matches);
  default:
    return true;
  }
}

static void mismatch(text_t *key, error_t *err) {
  err->tag = DAPR_STATE_PROVIDER_TYPES_ERROR_ETAG_MISMATCH;
  err->val.etag_mismatch.is_some = true;
  err->val.etag_mismatch.val = *key;
  key->len = 0;
}

static bool not_declared(error_t *err) {
  err->tag = DAPR_STATE_PROVIDER_TYPES_ERROR_INTERNAL;
  state_store_string_dup(&err->val.internal, "not declared");
  return false;
}

static bool put(set_item_t *item, error_t *err) {
  item_t **at = place(&item->key);
  bool done = holds(*at, &item->condition);
  if (done) {
    if (!*at) {
      *at = allocate(1, sizeof **at);
      (*at)->key = item->key;
      item->key.len = 0;
    }
    // What was there goes with the rest of what was given.
    item_t old = **at;
    (*at)->value = item->value;
    (*at)->content_type = item->content_type;
    item->value = old.value;
    item->content_type = old.content_type;
    writes++;
    snprintf((*at)->etag, sizeof(*at)->etag, "%016llx-%llx", run, writes);
  } else {
    mismatch(&item->key, err);
  }
  exports_dapr_state_provider_set_item_free(item);
  return done;
}

static bool discard(delete_item_t *item, error_t *err) {
  item_t **at = place(&item->key);
  bool done = !item->etag.is_some || matches(*at, &item->etag.val);
  if (!done) {
    mismatch(&item->key, err);
  } else if (*at) {
    item_t *gone = *at;
    *at = gone->next;
    state_store_string_free(&gone->key);
    state_store_list_u8_free(&gone->value);
    state_store_option_string_free(&gone->content_type);
    free(gone);
  }
  exports_dapr_state_provider_delete_item_free(item);
  return done;
}

static size_t size(const item_t *item) {
  return item->value.len + strlen(item->etag) + (item->content_type.is_some ? item->content_type.val.len : 0);
}

static void answer(const item_t *item, answer_t *ret) {
  memset(ret, 0, sizeof *ret);
  if (!item) return;
  ret->is_some = true;
  text_t value;
  state_store_string_dup_n(&value, (const char *)item->value.ptr, item->value.len);
  ret->val.value = (state_store_list_u8_t){value.ptr, value.len};
  ret->val.etag.is_some = true;
  state_store_string_dup(&ret->val.etag.val, item->etag);
  if (item->content_type.is_some) {
    const text_t *type = &item->content_type.val;
    ret->val.content_type.is_some = true;
    state_store_string_dup_n(&ret->val.content_type.val, (const char *)type->ptr, type->len);
  }
}

bool exports_dapr_state_provider_init(
    exports_dapr_state_provider_configuration_t *configuration, exports_dapr_state_provider_declaration_t *ret,
    error_t *err) {
  bool known = configuration->metadata.len == 0;
  if (known) {
    if (getentropy(&run, sizeof run) != 0) abort();
    memset(ret, 0, sizeof *ret);
    ret->features = DAPR_STATE_PROVIDER_TYPES_FEATURES_ETAGS | DAPR_STATE_PROVIDER_TYPES_FEATURES_CONTENT_TYPES;
    ret->instances = DAPR_STATE_PROVIDER_TYPES_INSTANCES_ONE;
  } else {
    err->tag = DAPR_STATE_PROVIDER_TYPES_ERROR_INVALID;
    state_store_string_dup(&err->val.invalid, "unknown metadata: this store has none");
  }
  exports_dapr_state_provider_configuration_free(configuration);
  return known;
}

bool exports_dapr_state_provider_get(
    caller_t *caller, text_t *key, get_options_t *options, answer_t *ret, error_t *err) {
  answer(*place(key), ret);
  exports_dapr_state_provider_caller_free(caller);
  state_store_string_free(key);
  exports_dapr_state_provider_get_options_free(options);
  return true;
}

bool exports_dapr_state_provider_bulk_get(
    caller_t *caller, state_store_list_string_t *keys, get_options_t *options, uint32_t max_bytes,
    exports_dapr_state_provider_list_option_entry_t *ret, error_t *err) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < keys->len; i++) {
    const item_t *item = *place(&keys->ptr[i]);
    if (item) bytes += size(item);
  }
  bool done = bytes <= max_bytes;
  if (done) {
    ret->ptr = allocate(keys->len, sizeof *ret->ptr);
    ret->len = keys->len;
    for (size_t i = 0; i < keys->len; i++) answer(*place(&keys->ptr[i]), &ret->ptr[i]);
  } else {
    err->tag = DAPR_STATE_PROVIDER_TYPES_ERROR_TOO_LARGE;
    state_store_string_dup(&err->val.too_large, "the items are too large together");
  }
  exports_dapr_state_provider_caller_free(caller);
  state_store_list_string_free(keys);
  exports_dapr_state_provider_get_options_free(options);
  return done;
}

bool exports_dapr_state_provider_set(caller_t *caller, set_item_t *item, error_t *err) {
  exports_dapr_state_provider_caller_free(caller);
  return put(item, err);
}

bool exports_dapr_state_provider_bulk_set(
    caller_t *caller, exports_dapr_state_provider_list_set_item_t *items,
    exports_dapr_state_provider_list_result_void_error_t *ret, error_t *err) {
  ret->ptr = allocate(items->len, sizeof *ret->ptr);
  ret->len = items->len;
  for (size_t i = 0; i < items->len; i++) ret->ptr[i].is_err = !put(&items->ptr[i], &ret->ptr[i].val.err);
  exports_dapr_state_provider_caller_free(caller);
  free(items->ptr);
  return true;
}

bool exports_dapr_state_provider_delete(caller_t *caller, delete_item_t *item, error_t *err) {
  exports_dapr_state_provider_caller_free(caller);
  return discard(item, err);
}

bool exports_dapr_state_provider_bulk_delete(
    caller_t *caller, exports_dapr_state_provider_list_delete_item_t *items,
    exports_dapr_state_provider_list_result_void_error_t *ret, error_t *err) {
  ret->ptr = allocate(items->len, sizeof *ret->ptr);
  ret->len = items->len;
  for (size_t i = 0; i < items->len; i++) ret->ptr[i].is_err = !discard(&items->ptr[i], &ret->ptr[i].val.err);
  exports_dapr_state_provider_caller_free(caller);
  free(items->ptr);
  return true;
}

// Not declared, so not called: what they are given is not freed.

bool exports_dapr_state_provider_transact(
    caller_t *caller, exports_dapr_state_provider_list_operation_t *operations,
    exports_dapr_state_provider_metadata_t *metadata, error_t *err) {
  return not_declared(err);
}

bool exports_dapr_state_provider_list_keys(
    caller_t *caller, exports_dapr_state_provider_listing_t *listing, exports_dapr_state_provider_page_t *ret,
    error_t *err) {
  return not_declared(err);
}
