/* libcounterfoil without std, without a C library and without a heap: accepts the README's token, and refuses it changed. */
#include "counterfoil.h"

/* What the compilers ask of whoever has no C library. */
void *memcpy(void *to, const void *from, size_t size) {
  for (size_t i = 0; i < size; i++) ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  if ((uintptr_t)to < (uintptr_t)from) return memcpy(to, from, size);
  for (size_t i = size; i > 0; i--) ((unsigned char *)to)[i - 1] = ((const unsigned char *)from)[i - 1];
  return to;
}

void *memset(void *to, int octet, size_t size) {
  for (size_t i = 0; i < size; i++) ((unsigned char *)to)[i] = (unsigned char)octet;
  return to;
}

int memcmp(const void *one, const void *other, size_t size) {
  for (size_t i = 0; i < size; i++) {
    int difference = ((const unsigned char *)one)[i] - ((const unsigned char *)other)[i];
    if (difference != 0) return difference;
  }
  return 0;
}

int bcmp(const void *one, const void *other, size_t size) {
  return memcmp(one, other, size);
}

size_t strlen(const char *text) {
  size_t size = 0;
  while (text[size] != '\0') size++;
  return size;
}

/* The start, and the two calls of the kernel that are needed. */
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  and $-16, %rsp\n  call start\n  hlt\n");

static long call(long number, long one, long two, long three) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(one), "S"(two), "d"(three) : "rcx", "r11", "memory");
  return result;
}

static void say(const char *text) {
  call(1, 1, (long)text, (long)strlen(text));
}

/* The files of core/tests/data/paved, with one octet behind each end. */
#define INCLUDE(name, path) \
  __asm__(".section .rodata\n" #name ":\n.incbin \"" path "\"\n" #name "_end:\n.byte 0\n.previous\n"); \
  extern const char name[], name##_end[]
INCLUDE(jwks, "paved/jwks.json");
INCLUDE(presented, "paved/token.txt");
INCLUDE(certificate, "paved/client.der");

static counterfoil_bytes between(const char *start, const char *end) {
  counterfoil_bytes bytes = {start, (size_t)(end - start)};
  return bytes;
}

static counterfoil_bytes text(const char *text) {
  counterfoil_bytes bytes = {text, strlen(text)};
  return bytes;
}

/* All the memory there is. */
static uint64_t keys_memory[2048], tables[2048], replay_memory[8 + 3 * 64];
static char scratch[16 * 1024], touched[4096];

static int is_wrong(const char *what, counterfoil_code code, counterfoil_code expected) {
  if (code == expected) return 0;
  say(what);
  say(": ");
  say(counterfoil_error_slug(code));
  say("\n");
  return 1;
}

static int test(void) {
  counterfoil_keys *keys = NULL;
  counterfoil_server server;
  counterfoil_presenter presenter;
  counterfoil_replay replay;
  counterfoil_token token;
  counterfoil_bytes subject, paved = between(presented, presented_end), audience = text("https://api.example");
  counterfoil_buffer room = {keys_memory, sizeof keys_memory}, table = {tables, sizeof tables}, memory = {scratch, sizeof scratch};
  counterfoil_buffer proofs = {replay_memory, sizeof replay_memory}, none = {NULL, 0}, small = {keys_memory, 64};
  int wrong = 0;
  memset(&presenter, 0, sizeof presenter);
  if (counterfoil_keys_size() > sizeof keys_memory) return say("the keys do not fit\n"), 1;
  wrong |= is_wrong("too small", counterfoil_keys_init(COUNTERFOIL_FAPI, 4, small, table, &keys), COUNTERFOIL_ERROR_MEMORY_TOO_SMALL);
  wrong |= is_wrong("init", counterfoil_keys_init(COUNTERFOIL_FAPI, 4, room, table, &keys), 0);
  wrong |= is_wrong("server", counterfoil_server_init(&server), 0);
  counterfoil_issuer issuer = {text("https://as.example"), keys};
  server.issuers.items = &issuer;
  server.issuers.count = 1;
  server.audiences.items = &audience;
  server.audiences.count = 1;
  wrong |= is_wrong("certificate", counterfoil_thumbprint_of_certificate(COUNTERFOIL_CERTIFICATE_DER, between(certificate, certificate_end), none,
                                                                          &presenter.thumbprint), 0);
  presenter.kind = COUNTERFOIL_PRESENTER_CERTIFICATE;
  wrong |= is_wrong("before", counterfoil_server_accept(&server, paved, &presenter, 1800000000, memory, &token), COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE);
  for (int again = 0; again < 2; again++) {
    wrong |= is_wrong("load", counterfoil_keys_load(keys, between(jwks, jwks_end)), 0);
    wrong |= is_wrong("accept", counterfoil_server_accept(&server, paved, &presenter, 1800000000, memory, &token), 0);
  }
  wrong |= is_wrong("subject", counterfoil_token_subject(&token, none, &subject), 0);
  if (subject.size != 4 || memcmp(subject.data, "4711", 4) != 0) return say("another subject\n"), 1;
  memcpy(touched, presented, paved.size);
  for (size_t i = 0; i < paved.size; i += 7) {
    touched[i] ^= 1;
    wrong |= counterfoil_server_accept(&server, between(touched, touched + paved.size), &presenter, 1800000000, memory, &token) == 0;
    touched[i] ^= 1;
  }
  wrong |= is_wrong("format", counterfoil_replay_format(proofs, text("0123456789abcdef")), 0);
  wrong |= is_wrong("open", counterfoil_replay_open(proofs, NULL, &replay), 0);
  return wrong;
}

void start(void);
void start(void) {
  int wrong = test();
  say(wrong ? "WRONG\n" : "accepted, refused when touched\n");
  call(60, wrong, 0, 0);
}
