// The little JSON that the app needs: objects of text, whole numbers and truth values.
#pragma once

#include "text.h"

typedef enum { JSON_ABSENT, JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_TEXT } json_kind_t;

// A field that an object may have, and what it has been found to be.
typedef struct {
  text_t name;
  json_kind_t kind;
  // Of a number, which is whole and not negative.
  uint64_t number;
  // Of a text.
  text_t text;
} json_field_t;

// Reads an object that has some of these fields and no others. Answers what is wrong with it, or nothing.
const char *json_read(text_t body, json_field_t *fields, size_t count);

// A text as JSON has it, in quotes.
text_t json_text(text_t text);
