#include "text.h"

// The length of the character that a byte begins, and the least that one of this length may be: what is spelled longer than need
// be is no UTF-8.
static size_t length_of(uint8_t first, uint32_t *bits, uint32_t *least) {
  if (first < 0x80) return *bits = first, *least = 0, 1;
  if (first >= 0xC2 && first < 0xE0) return *bits = first & 0x1F, *least = 0x80, 2;
  if (first >= 0xE0 && first < 0xF0) return *bits = first & 0x0F, *least = 0x800, 3;
  if (first >= 0xF0 && first < 0xF5) return *bits = first & 0x07, *least = 0x10000, 4;
  return 0;
}

bool is_utf8(text_t text) {
  for (size_t at = 0; at < text.len;) {
    uint32_t character, least;
    size_t length = length_of(text.ptr[at], &character, &least);
    if (!length || text.len - at < length) return false;
    for (size_t i = 1; i < length; i++) {
      if ((text.ptr[at + i] & 0xC0) != 0x80) return false;
      character = character << 6 | (text.ptr[at + i] & 0x3F);
    }
    if (character < least || character > 0x10FFFF || (character >= 0xD800 && character < 0xE000)) return false;
    at += length;
  }
  return true;
}

static int digit(uint8_t character) {
  if (character >= '0' && character <= '9') return character - '0';
  character |= 0x20;
  return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool decoded(text_t text, text_t *to) {
  *to = (text_t){allocate(text.len), 0};
  for (size_t at = 0; at < text.len; at++) {
    uint8_t byte = text.ptr[at];
    if (byte == '%') {
      int high = text.len - at > 2 ? digit(text.ptr[at + 1]) : -1;
      int low = text.len - at > 2 ? digit(text.ptr[at + 2]) : -1;
      if (high < 0 || low < 0) return false;
      byte = (uint8_t)(high << 4 | low);
      at += 2;
    }
    to->ptr[to->len++] = byte;
  }
  return is_utf8(*to);
}
