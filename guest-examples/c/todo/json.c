#include "json.h"

typedef struct {
  text_t rest;
  const char *error;
} reader_t;

static bool fails(reader_t *reader, const char *error) {
  if (!reader->error) reader->error = error;
  return false;
}

static void skip_spaces(reader_t *reader) {
  while (reader->rest.len && memchr(" \t\r\n", reader->rest.ptr[0], 4)) reader->rest = after(reader->rest, 1);
}

// Takes a character, if it comes next.
static bool takes(reader_t *reader, char character) {
  skip_spaces(reader);
  if (!reader->rest.len || reader->rest.ptr[0] != (uint8_t)character) return false;
  reader->rest = after(reader->rest, 1);
  return true;
}

static bool takes_word(reader_t *reader, text_t word) {
  if (!starts_with(reader->rest, word)) return false;
  reader->rest = after(reader->rest, word.len);
  return true;
}

// The four hex digits of an escape.
static bool read_unit(reader_t *reader, uint32_t *unit) {
  if (reader->rest.len < 4) return fails(reader, "an escape has four hex digits");
  *unit = 0;
  for (size_t at = 0; at < 4; at++) {
    const char *digits = "0123456789abcdef";
    uint8_t character = reader->rest.ptr[at];
    const char *digit = character ? strchr(digits, character >= 'A' && character <= 'F' ? character | 0x20 : character) : NULL;
    if (!digit) return fails(reader, "an escape has four hex digits");
    *unit = *unit << 4 | (uint32_t)(digit - digits);
  }
  reader->rest = after(reader->rest, 4);
  return true;
}

static void append_character(text_t *text, uint32_t character) {
  uint8_t *at = text->ptr + text->len;
  if (character < 0x80) {
    at[0] = (uint8_t)character, text->len += 1;
  } else if (character < 0x800) {
    at[0] = (uint8_t)(0xC0 | character >> 6), at[1] = (uint8_t)(0x80 | (character & 0x3F)), text->len += 2;
  } else if (character < 0x10000) {
    at[0] = (uint8_t)(0xE0 | character >> 12), at[1] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
    at[2] = (uint8_t)(0x80 | (character & 0x3F)), text->len += 3;
  } else {
    at[0] = (uint8_t)(0xF0 | character >> 18), at[1] = (uint8_t)(0x80 | (character >> 12 & 0x3F));
    at[2] = (uint8_t)(0x80 | (character >> 6 & 0x3F)), at[3] = (uint8_t)(0x80 | (character & 0x3F)), text->len += 4;
  }
}

// A character beyond the first 65536 is two escapes.
static bool read_escaped(reader_t *reader, text_t *text) {
  uint32_t character, second;
  if (!read_unit(reader, &character)) return false;
  if (character >= 0xD800 && character < 0xE000) {
    bool is_pair = character < 0xDC00 && takes_word(reader, TEXT("\\u")) && read_unit(reader, &second);
    if (!is_pair || second < 0xDC00 || second >= 0xE000) return fails(reader, "an escape is half of a character");
    character = 0x10000 + ((character - 0xD800) << 10) + (second - 0xDC00);
  }
  append_character(text, character);
  return true;
}

static const char ESCAPES[] = "\"\\/bfnrt", ESCAPED[] = "\"\\/\b\f\n\r\t";

// A text, after its first quote.
static bool read_text(reader_t *reader, text_t *text) {
  // No escape is shorter than what it stands for.
  *text = (text_t){allocate(reader->rest.len), 0};
  while (reader->rest.len) {
    uint8_t character = reader->rest.ptr[0];
    reader->rest = after(reader->rest, 1);
    if (character == '"') return true;
    if (character < 0x20) return fails(reader, "a text has a control character");
    if (character != '\\') {
      text->ptr[text->len++] = character;
    } else if (takes_word(reader, TEXT("u"))) {
      if (!read_escaped(reader, text)) return false;
    } else {
      const char *escape = reader->rest.len && reader->rest.ptr[0] ? strchr(ESCAPES, reader->rest.ptr[0]) : NULL;
      if (!escape) return fails(reader, "a text has an unknown escape");
      text->ptr[text->len++] = (uint8_t)ESCAPED[escape - ESCAPES];
      reader->rest = after(reader->rest, 1);
    }
  }
  return fails(reader, "a text does not end");
}

static bool read_number(reader_t *reader, json_field_t *field) {
  const char *wrong = "a number is not whole, or negative, or too large";
  size_t digits = 0;
  for (; digits < reader->rest.len; digits++) {
    uint8_t digit = (uint8_t)(reader->rest.ptr[digits] - '0');
    if (digit > 9) break;
    if (digits && !field->number) return fails(reader, "a number begins with a zero");
    if (__builtin_mul_overflow(field->number, 10, &field->number)) return fails(reader, wrong);
    if (__builtin_add_overflow(field->number, digit, &field->number)) return fails(reader, wrong);
  }
  if (!digits) return fails(reader, "a value is none that is taken here");
  reader->rest = after(reader->rest, digits);
  if (reader->rest.len && memchr(".eE", reader->rest.ptr[0], 3)) return fails(reader, wrong);
  field->kind = JSON_NUMBER;
  return true;
}

static bool read_value(reader_t *reader, json_field_t *field) {
  field->number = 0;
  if (takes(reader, '"')) return field->kind = JSON_TEXT, read_text(reader, &field->text);
  if (takes_word(reader, TEXT("true"))) return field->kind = JSON_TRUE, true;
  if (takes_word(reader, TEXT("false"))) return field->kind = JSON_FALSE, true;
  if (takes_word(reader, TEXT("null"))) return field->kind = JSON_NULL, true;
  return read_number(reader, field);
}

static bool read_field(reader_t *reader, json_field_t *fields, size_t count) {
  text_t name;
  if (!takes(reader, '"') || !read_text(reader, &name)) return fails(reader, "a field has no name");
  if (!takes(reader, ':')) return fails(reader, "a name is not followed by a colon");
  for (size_t at = 0; at < count; at++) {
    if (!equal(fields[at].name, name)) continue;
    if (fields[at].kind != JSON_ABSENT) return fails(reader, "a field is given twice");
    return read_value(reader, &fields[at]);
  }
  return fails(reader, "a field is unknown");
}

const char *json_read(text_t body, json_field_t *fields, size_t count) {
  reader_t reader = {body, NULL};
  if (!is_utf8(body)) return "the body is not UTF-8";
  if (!takes(&reader, '{')) return "the body is no JSON object";
  if (!takes(&reader, '}')) {
    do {
      if (!read_field(&reader, fields, count)) return reader.error;
    } while (takes(&reader, ','));
    if (!takes(&reader, '}')) return "the object does not end";
  }
  skip_spaces(&reader);
  return reader.rest.len ? "there is more than one JSON value" : NULL;
}

text_t json_text(text_t text) {
  // The longest escape has six characters.
  text_t quoted = {allocate(text.len * 6 + 2), 0};
  quoted.ptr[quoted.len++] = '"';
  for (size_t at = 0; at < text.len; at++) {
    uint8_t character = text.ptr[at];
    if (character == '"' || character == '\\') {
      quoted.ptr[quoted.len++] = '\\';
      quoted.ptr[quoted.len++] = character;
    } else if (character < 0x20) {
      memcpy(quoted.ptr + quoted.len, printed("\\u%04x", character).ptr, 6);
      quoted.len += 6;
    } else {
      quoted.ptr[quoted.len++] = character;
    }
  }
  quoted.ptr[quoted.len++] = '"';
  return quoted;
}
