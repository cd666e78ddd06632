// Texts with a length, which may hold any byte. Memory is never freed: by default an instance answers one request, and its memory
// goes with it.
#pragma once

#include "http_app.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef http_app_string_t text_t;

// A literal as a text.
#define TEXT(literal) ((text_t){(uint8_t *)(literal), sizeof(literal) - 1})

static inline void *allocate(size_t size) {
  void *memory = calloc(1, size ? size : 1);
  if (!memory) abort();
  return memory;
}

static inline bool equal(text_t one, text_t other) {
  return one.len == other.len && memcmp(one.ptr, other.ptr, one.len) == 0;
}

static inline bool starts_with(text_t text, text_t start) {
  return text.len >= start.len && memcmp(text.ptr, start.ptr, start.len) == 0;
}

static inline text_t after(text_t text, size_t skipped) {
  return (text_t){text.ptr + skipped, text.len - skipped};
}

static inline text_t joined(text_t one, text_t other) {
  text_t both = {allocate(one.len + other.len), one.len + other.len};
  memcpy(both.ptr, one.ptr, one.len);
  memcpy(both.ptr + one.len, other.ptr, other.len);
  return both;
}

// As printf has it; `%.*s` with SHOWN takes a text.
#define SHOWN(text) (int)(text).len, (const char *)(text).ptr
__attribute__((format(printf, 1, 2))) static inline text_t printed(const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = NULL;
  int length = vasprintf(&text, format, args);
  va_end(args);
  if (length < 0) abort();
  return (text_t){(uint8_t *)text, (size_t)length};
}

// The part of a text before a character, and what follows that; all of it and nothing where it is not there.
static inline text_t before(text_t *text, uint8_t character) {
  uint8_t *found = text->len ? memchr(text->ptr, character, text->len) : NULL;
  text_t part = {text->ptr, found ? (size_t)(found - text->ptr) : text->len};
  *text = found ? after(*text, part.len + 1) : (text_t){NULL, 0};
  return part;
}

// Whether a text is UTF-8.
bool is_utf8(text_t text);

// Undoes percent encoding. False where a `%` has no two hex digits after it, or what comes out is not UTF-8.
bool decoded(text_t text, text_t *to);
