/* What the tests in C share. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counterfoil.h"

static int failures = 0;

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      failures++; \
    } \
  } while (0)

/* Says which code came where another one had to. */
#define EXPECT(code, expected) expect_at(__FILE__, __LINE__, #code, (code), (expected))

static inline void expect_at(const char *file, int line, const char *what, counterfoil_code code, counterfoil_code expected) {
  if (code != expected) {
    fprintf(stderr, "%s:%d: %s: %s instead of %s\n", file, line, what, counterfoil_error_slug(code), counterfoil_error_slug(expected));
    failures++;
  }
}

static inline counterfoil_bytes bytes_of(const void *data, size_t size) {
  counterfoil_bytes bytes;
  bytes.data = data;
  bytes.size = size;
  return bytes;
}

static inline counterfoil_bytes text(const char *text) {
  return bytes_of(text, strlen(text));
}

static inline counterfoil_buffer buffer_of(void *data, size_t size) {
  counterfoil_buffer buffer;
  buffer.data = data;
  buffer.size = size;
  return buffer;
}

static inline int same(counterfoil_bytes one, counterfoil_bytes other) {
  return one.size == other.size && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}

/* A file whole; `data` is malloc's. */
static inline counterfoil_bytes file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(2);
  }
  size_t size = (size_t)ftell(file);
  char *data = (char *)malloc(size + 1);
  rewind(file);
  if (data == NULL || fread(data, 1, size, file) != size) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(2);
  }
  fclose(file);
  return bytes_of(data, size);
}

static inline int report(const char *what, size_t count) {
  printf("%s: %lu, %d failures\n", what, (unsigned long)count, failures);
  return failures == 0 && count > 0 ? 0 : 1;
}

#endif
