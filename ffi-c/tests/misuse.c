/* Wrong calls have codes, write nothing and crash nothing; a token that was touched is never accepted. */
#include "support.h"

#define NOW 1800000000
#define SCRATCH (32 * 1024)

static char scratch[SCRATCH];
static const char *data;
static counterfoil_keys *keys;
static counterfoil_issuer issuer;
static counterfoil_bytes audience;
static counterfoil_server server;

static counterfoil_bytes data_file(const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", data, name);
  return file(path);
}

static void set_up(const char *jwks) {
  counterfoil_bytes set = data_file(jwks);
  counterfoil_keys_free(keys);
  EXPECT(counterfoil_keys_new(COUNTERFOIL_FAPI, 8, 16 * 1024, &keys), 0);
  EXPECT(counterfoil_keys_load(keys, set), 0);
  free((void *)(uintptr_t)set.data);
  EXPECT(counterfoil_server_init(&server), 0);
  issuer.name = text("https://as.example");
  issuer.keys = keys;
  audience = text("https://api.example");
  server.issuers.items = &issuer;
  server.issuers.count = 1;
  server.audiences.items = &audience;
  server.audiences.count = 1;
}

static counterfoil_presenter holder(void) {
  counterfoil_presenter presenter;
  counterfoil_bytes certificate = data_file("paved/client.der");
  memset(&presenter, 0, sizeof presenter);
  presenter.kind = COUNTERFOIL_PRESENTER_CERTIFICATE;
  EXPECT(counterfoil_thumbprint_of_certificate(COUNTERFOIL_CERTIFICATE_DER, certificate, buffer_of(NULL, 0), &presenter.thumbprint), 0);
  free((void *)(uintptr_t)certificate.data);
  return presenter;
}

static counterfoil_code accept_token(counterfoil_bytes token, const counterfoil_presenter *presenter, counterfoil_token *token_out) {
  return counterfoil_server_accept(&server, token, presenter, NOW, buffer_of(scratch, SCRATCH), token_out);
}

/* Cut at every length, with each octet changed in one bit, with octets behind it: never accepted. The copy ends where its memory ends,
   so that valgrind sees one octet too far. */
static size_t touch(const char *name, int every_bit) {
  counterfoil_bytes token = data_file(name);
  counterfoil_presenter presenter = holder();
  counterfoil_token accepted;
  size_t tried = 0;
  EXPECT(accept_token(token, &presenter, &accepted), 0);
  for (size_t size = 0; size < token.size; size++, tried++) {
    char *cut = (char *)malloc(size + (size == 0));
    memcpy(cut, token.data, size);
    CHECK(accept_token(bytes_of(cut, size), &presenter, &accepted) != 0);
    free(cut);
  }
  char *touched = (char *)malloc(token.size);
  for (size_t i = 0; i < token.size; i++) {
    for (int bit = every_bit ? 0 : (int)(i % 8); bit < (every_bit ? 8 : (int)(i % 8) + 1); bit++, tried++) {
      memcpy(touched, token.data, token.size);
      touched[i] = (char)(touched[i] ^ 1 << bit);
      CHECK(accept_token(bytes_of(touched, token.size), &presenter, &accepted) != 0);
    }
  }
  free(touched);
  char *longer = (char *)malloc(token.size + 1);
  memcpy(longer, token.data, token.size);
  for (int octet = 0; octet < 256; octet++, tried++) {
    longer[token.size] = (char)octet;
    CHECK(accept_token(bytes_of(longer, token.size + 1), &presenter, &accepted) != 0);
  }
  free(longer);
  free((void *)(uintptr_t)token.data);
  return tried;
}

static void null_pointers(void) {
  counterfoil_bytes nothing = bytes_of(NULL, 0), lie = bytes_of(NULL, 7), out = text("untouched");
  counterfoil_buffer none = buffer_of(NULL, 0), lying = buffer_of(NULL, 7), room = buffer_of(scratch, SCRATCH);
  counterfoil_presenter presenter = holder();
  counterfoil_bytes token = data_file("paved/token.txt");
  counterfoil_token accepted;
  counterfoil_request request;
  counterfoil_credential credential;
  counterfoil_thumbprint thumbprint;
  counterfoil_answer answer;
  size_t index;
  memset(&accepted, 0, sizeof accepted);
  memset(&request, 0, sizeof request);
  memset(&credential, 0, sizeof credential);
  EXPECT(counterfoil_keys_new(COUNTERFOIL_FAPI, 8, 0, NULL), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_keys_load(NULL, token), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_keys_load(keys, nothing), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_keys_load(keys, lie), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_keys_refused(keys, 0, &index, NULL), COUNTERFOIL_ERROR_NULL_POINTER);
  CHECK(counterfoil_keys_count(NULL) == 0);
  counterfoil_keys_free(NULL);
  EXPECT(counterfoil_server_init(NULL), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_server_judge(NULL), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_server_accept(NULL, token, &presenter, NOW, room, &accepted), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_server_accept(&server, nothing, &presenter, NOW, room, &accepted), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_server_accept(&server, lie, &presenter, NOW, room, &accepted), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_server_accept(&server, token, NULL, NOW, room, &accepted), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_server_accept(&server, token, &presenter, NOW, lying, &accepted), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_server_accept(&server, token, &presenter, NOW, room, NULL), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_request_credential(NULL, &credential), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_request_credential(&request, NULL), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_request_credential(&request, &credential), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_request_judge(&server, &request, NULL, NULL, room, &accepted), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_request_answer(&server, COUNTERFOIL_ERROR_TOKEN_EXPIRED, NULL, NOW, room, NULL), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_request_answer(NULL, COUNTERFOIL_ERROR_TOKEN_EXPIRED, NULL, NOW, room, &answer), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_token_claim(NULL, text("sub"), &out), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_value_text(nothing, none, &out), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_ticket_key(nothing, 0, room, &out), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_thumbprint_of_jwk(nothing, COUNTERFOIL_FAPI, &thumbprint), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_thumbprint_write(NULL, room, &out), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_nonce_key_init(nothing, 60, NULL), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_proof_thumbprint(NULL, &thumbprint), COUNTERFOIL_ERROR_NULL_POINTER);
  CHECK(counterfoil_credential_scheme(NULL) == COUNTERFOIL_SCHEME_NONE);
  CHECK(same(out, text("untouched")));
  free((void *)(uintptr_t)token.data);
}

/* What no call has filled is not read, and what failed has written nothing. */
static void wrong_order(void) {
  counterfoil_token token, before;
  counterfoil_credential credential;
  counterfoil_nonce_key nonce;
  counterfoil_proof proof;
  counterfoil_replay replay;
  counterfoil_thumbprint thumbprint;
  counterfoil_bytes out = text("untouched");
  counterfoil_presenter presenter = holder();
  uint64_t memory[8 + 3 * 16], seconds = 7;
  memset(&token, 0, sizeof token);
  memset(&credential, 0, sizeof credential);
  memset(&nonce, 0, sizeof nonce);
  memset(&proof, 0, sizeof proof);
  memset(&replay, 0, sizeof replay);
  memset(memory, 0x5a, sizeof memory);
  before = token;
  EXPECT(accept_token(text("no.to.ken"), &presenter, &token), COUNTERFOIL_ERROR_BASE64URL_MALFORMED);
  CHECK(memcmp(&token, &before, sizeof token) == 0);
  EXPECT(counterfoil_token_claim(&token, text("sub"), &out), COUNTERFOIL_ERROR_UNFILLED);
  EXPECT(counterfoil_token_payload(&token, &out), COUNTERFOIL_ERROR_UNFILLED);
  EXPECT(counterfoil_token_expires_at(&token, &seconds), COUNTERFOIL_ERROR_UNFILLED);
  EXPECT(counterfoil_credential_text(&credential, &out), COUNTERFOIL_ERROR_UNFILLED);
  CHECK(counterfoil_credential_scheme(&credential) == COUNTERFOIL_SCHEME_NONE);
  EXPECT(counterfoil_nonce_key_issue(&nonce, NOW, buffer_of(scratch, SCRATCH), &out), COUNTERFOIL_ERROR_UNFILLED);
  EXPECT(counterfoil_proof_thumbprint(&proof, &thumbprint), COUNTERFOIL_ERROR_UNFILLED);
  presenter.kind = COUNTERFOIL_PRESENTER_DPOP;
  presenter.proof = &proof;
  EXPECT(accept_token(text("a.b.c"), &presenter, &token), COUNTERFOIL_ERROR_UNFILLED);
  presenter.kind = 3;
  EXPECT(accept_token(text("a.b.c"), &presenter, &token), COUNTERFOIL_ERROR_LIMIT_OUT_OF_RANGE);
  server.proofs.nonce = &nonce;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_UNFILLED);
  server.proofs.nonce = NULL;
  EXPECT(counterfoil_request_nonce(&server, NOW, buffer_of(scratch, SCRATCH), &out), COUNTERFOIL_ERROR_UNFILLED);
  EXPECT(counterfoil_replay_open(buffer_of(memory, sizeof memory), NULL, &replay), COUNTERFOIL_ERROR_LAYOUT_UNKNOWN);
  EXPECT(counterfoil_replay_format(buffer_of(memory, sizeof memory - 8), text("0123456789abcdef")), COUNTERFOIL_ERROR_MEMORY_TOO_SMALL);
  EXPECT(counterfoil_replay_format(buffer_of(memory, 0), text("0123456789abcdef")), COUNTERFOIL_ERROR_MEMORY_TOO_SMALL);
  EXPECT(counterfoil_replay_format(buffer_of((char *)memory + 1, sizeof memory - 8), text("0123456789abcdef")), COUNTERFOIL_ERROR_MEMORY_MISALIGNED);
  EXPECT(counterfoil_replay_format(buffer_of(memory, sizeof memory), text("short")), COUNTERFOIL_ERROR_SECRET_TOO_SHORT);
  EXPECT(counterfoil_replay_format(buffer_of(memory, sizeof memory), text("0123456789abcdef")), 0);
  EXPECT(counterfoil_replay_open(buffer_of(memory, sizeof memory - 8), NULL, &replay), COUNTERFOIL_ERROR_LAYOUT_UNKNOWN);
  EXPECT(counterfoil_replay_open(buffer_of(memory, sizeof memory), NULL, &replay), 0);
  CHECK(same(out, text("untouched")) && seconds == 7);
}

/* Each buffer is too small at every size below the right one. */
static void small_buffers(void) {
  counterfoil_presenter presenter = holder();
  counterfoil_bytes token = data_file("paved/token.txt"), head, ticket, out = text("untouched");
  counterfoil_token accepted;
  counterfoil_answer answer;
  size_t needed = 0;
  memset(&accepted, 0, sizeof accepted);
  for (size_t size = 0; size < SCRATCH && accepted.opaque[0] == 0; size++) {
    char *room = (char *)malloc(size + (size == 0));
    counterfoil_code code = counterfoil_server_accept(&server, token, &presenter, NOW, buffer_of(room, size), &accepted);
    CHECK(code == 0 || code == COUNTERFOIL_ERROR_BUFFER_TOO_SMALL);
    needed = size;
    free(room);
  }
  CHECK(needed > 100 && needed <= token.size * 3 / 4 + 3);
  EXPECT(counterfoil_token_split(token, &head, &ticket), 0);
  for (size_t size = 0; size < 43; size++) {
    char *room = (char *)malloc(size + (size == 0));
    EXPECT(counterfoil_ticket_key(ticket, COUNTERFOIL_ENCODING_BASE64URL, buffer_of(room, size), &out), COUNTERFOIL_ERROR_BUFFER_TOO_SMALL);
    EXPECT(counterfoil_thumbprint_write(&presenter.thumbprint, buffer_of(room, size), &out), COUNTERFOIL_ERROR_BUFFER_TOO_SMALL);
    EXPECT(counterfoil_request_answer(&server, COUNTERFOIL_ERROR_TOKEN_EXPIRED, NULL, NOW, buffer_of(room, size), &answer),
           COUNTERFOIL_ERROR_BUFFER_TOO_SMALL);
    EXPECT(counterfoil_token_join(head, ticket, buffer_of(room, size), &out), COUNTERFOIL_ERROR_BUFFER_TOO_SMALL);
    free(room);
  }
  EXPECT(counterfoil_value_text(text("\"a\\u0062\""), buffer_of(scratch, 1), &out), COUNTERFOIL_ERROR_BUFFER_TOO_SMALL);
  CHECK(same(out, text("untouched")));
  EXPECT(counterfoil_value_text(text("\"a\\u0062\""), buffer_of(scratch, 2), &out), 0);
  CHECK(same(out, text("ab")));
  free((void *)(uintptr_t)token.data);
}

/* A server that would protect nothing is an error, whatever it is asked. */
static void configurations(void) {
  counterfoil_bytes empty = bytes_of("", 0), many[65];
  counterfoil_presenter presenter = holder();
  counterfoil_token token;
  counterfoil_keys *none;
  counterfoil_server good = server;
  for (size_t i = 0; i < 65; i++) {
    many[i] = audience;
  }
  server.issuers.count = 0;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_ISSUER_UNSET);
  EXPECT(accept_token(text("a.b.c"), &presenter, &token), COUNTERFOIL_ERROR_ISSUER_UNSET);
  server = good;
  issuer.name = empty;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_ISSUER_UNSET);
  issuer.name = bytes_of("\xff", 1);
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_TEXT_NOT_UTF8);
  issuer.name = text("https://as.example");
  issuer.keys = NULL;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_NULL_POINTER);
  issuer.keys = keys;
  server.audiences.count = 0;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_AUDIENCE_UNSET);
  server.audiences.items = many;
  server.audiences.count = 65;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_LIMIT_OUT_OF_RANGE);
  server.audiences.items = NULL;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_NULL_POINTER);
  server = good;
  server.algorithms = 0;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_ALGORITHMS_UNSET);
  server.algorithms = 32;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_LIMIT_OUT_OF_RANGE);
  server = good;
  server.binding = 4;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_LIMIT_OUT_OF_RANGE);
  server = good;
  server.max_token_size = 0;
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_LIMIT_OUT_OF_RANGE);
  server = good;
  server.realm = text("a\"b");
  EXPECT(counterfoil_request_nonce(&server, NOW, buffer_of(scratch, SCRATCH), &many[0]), COUNTERFOIL_ERROR_UNFILLED);
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_TEXT_NOT_TOKEN);
  server = good;
  EXPECT(counterfoil_server_judge(&server), 0);
  EXPECT(counterfoil_keys_new(COUNTERFOIL_FAPI, 0, 0, &none), COUNTERFOIL_ERROR_LIMIT_OUT_OF_RANGE);
  EXPECT(counterfoil_keys_new(COUNTERFOIL_FAPI, COUNTERFOIL_MAX_KEYS + 1, 0, &none), COUNTERFOIL_ERROR_LIMIT_OUT_OF_RANGE);
  EXPECT(counterfoil_keys_new(COUNTERFOIL_FAPI, 8, 0, &none), 0);
  issuer.keys = none;
  EXPECT(counterfoil_server_judge(&server), 0);
  counterfoil_bytes paved = data_file("paved/token.txt");
  EXPECT(accept_token(paved, &presenter, &token), COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE);
  EXPECT(counterfoil_keys_load(none, text("{\"keys\":[]}")), COUNTERFOIL_ERROR_KEY_SET_EMPTY);
  issuer.keys = keys;
  EXPECT(counterfoil_keys_load(keys, text("{\"keys\":")), COUNTERFOIL_ERROR_JSON_MALFORMED);
  EXPECT(accept_token(paved, &presenter, &token), 0);
  free((void *)(uintptr_t)paved.data);
  counterfoil_keys_free(none);
}

/* Each issuer by its own keys; a token of none of them, or with another's key, is refused. */
static void several_issuers(void) {
  counterfoil_presenter presenter = holder();
  counterfoil_bytes token = data_file("paved/token.txt"), set = data_file("embedded/jwks.json");
  counterfoil_keys *others;
  counterfoil_token accepted, both[2];
  counterfoil_issuer issuers[2];
  counterfoil_server good = server;
  EXPECT(counterfoil_keys_new(COUNTERFOIL_FAPI, 8, 0, &others), 0);
  EXPECT(counterfoil_keys_load(others, set), 0);
  issuers[0].name = text("https://other.example");
  issuers[0].keys = others;
  issuers[1] = issuer;
  server.issuers.items = issuers;
  server.issuers.count = 2;
  EXPECT(counterfoil_server_judge(&server), 0);
  EXPECT(accept_token(token, &presenter, &accepted), 0);
  counterfoil_batch_item items[2] = {{token, presenter, &both[0], 999}, {token, presenter, &both[1], 999}};
  counterfoil_batch batch = {items, 2};
  EXPECT(counterfoil_server_accept_batch(&server, batch, NOW, buffer_of(scratch, SCRATCH)), 0);
  CHECK(items[0].code == 0 && items[1].code == 0);
  issuers[1].keys = others;
  EXPECT(accept_token(token, &presenter, &accepted), COUNTERFOIL_ERROR_KEY_UNKNOWN);
  issuers[0].keys = keys;
  EXPECT(accept_token(token, &presenter, &accepted), COUNTERFOIL_ERROR_KEY_UNKNOWN);
  issuers[1].name = text("https://as.example/");
  EXPECT(accept_token(token, &presenter, &accepted), COUNTERFOIL_ERROR_ISSUER_MISMATCH);
  issuers[1].name = text("");
  EXPECT(counterfoil_server_judge(&server), COUNTERFOIL_ERROR_ISSUER_UNSET);
  server = good;
  counterfoil_keys_free(others);
  free((void *)(uintptr_t)token.data);
  free((void *)(uintptr_t)set.data);
}

static void codes(void) {
  CHECK(strcmp(counterfoil_error_slug(0), "ok") == 0 && strcmp(counterfoil_error_slug(65535), "unknown") == 0);
  CHECK(strcmp(counterfoil_error_slug(COUNTERFOIL_ERROR_TOKEN_EXPIRED), "token_expired") == 0);
  CHECK(counterfoil_error_http_status(0) == 200 && counterfoil_error_http_status(65535) == 500);
  CHECK(counterfoil_error_http_status(COUNTERFOIL_ERROR_REPLAY_STORE_FULL) == 503);
  CHECK(strcmp(counterfoil_error_oauth(COUNTERFOIL_ERROR_NONCE_REQUIRED), "use_dpop_nonce") == 0);
  CHECK(counterfoil_error_oauth(COUNTERFOIL_ERROR_CREDENTIAL_MISSING) == NULL);
}

/* misuse DATA [quick]: DATA is core/tests/data. */
int main(int argc, char **argv) {
  data = argc > 1 ? argv[1] : "core/tests/data";
  int every_bit = argc < 3;
  set_up("paved/jwks.json");
  null_pointers();
  wrong_order();
  small_buffers();
  configurations();
  several_issuers();
  codes();
  size_t tried = touch("paved/token.txt", every_bit);
  set_up("embedded/jwks.json");
  tried += touch("embedded/token.EdDSA.txt", 0) + touch("embedded/token.PS256.txt", 0);
  counterfoil_keys_free(keys);
  return report("misuse and touched tokens", tried);
}
