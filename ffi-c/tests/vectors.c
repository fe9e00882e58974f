/* Every case of core/vectors, as vectors.py writes them, has the code in C that it has in Rust. */
#include "support.h"

#define MOST 256
#define SCRATCH (256 * 1024)

typedef struct field {
  char name[32];
  counterfoil_bytes value;
} field;

typedef struct record {
  char kind[32];
  char id[256];
  int is_before;
  field fields[MOST];
  size_t count;
} record;

static char scratch[SCRATCH];
static uint64_t replay_memory[8 + 3 * 65536];
static counterfoil_replay replay;
static void *cache_memory;
static counterfoil_token_cache cache;
static counterfoil_keys *keys;

/* ---- reading ---- */

static const char *at, *end_of_file;

static int next_line(char *line, size_t size) {
  const char *newline = at < end_of_file ? (const char *)memchr(at, '\n', (size_t)(end_of_file - at)) : NULL;
  if (newline == NULL || (size_t)(newline - at) >= size) {
    return 0;
  }
  memcpy(line, at, (size_t)(newline - at));
  line[newline - at] = '\0';
  at = newline + 1;
  return 1;
}

static int next_record(record *record) {
  char line[512], word[16];
  unsigned long size;
  if (!next_line(line, sizeof line) || sscanf(line, "%15s %31s %255s", word, record->kind, record->id) != 3) {
    return 0;
  }
  record->is_before = strcmp(word, "before") == 0;
  for (record->count = 0; next_line(line, sizeof line) && strcmp(line, "end") != 0; record->count++) {
    if (record->count == MOST || sscanf(line, "%31s %lu", record->fields[record->count].name, &size) != 2) {
      fprintf(stderr, "%s: a field that cannot be read: %s\n", record->id, line);
      exit(2);
    }
    record->fields[record->count].value = bytes_of(at, size);
    at += size + 1;
  }
  return 1;
}

/* ---- fields ---- */

/* The `number`th field of that name. */
static const counterfoil_bytes *nth(const record *record, const char *name, size_t number) {
  for (size_t i = 0; i < record->count; i++) {
    if (strcmp(record->fields[i].name, name) == 0 && number-- == 0) {
      return &record->fields[i].value;
    }
  }
  return NULL;
}

static counterfoil_bytes get(const record *record, const char *name) {
  const counterfoil_bytes *value = nth(record, name, 0);
  return value == NULL ? bytes_of("", 0) : *value;
}

static counterfoil_bytes get_or_null(const record *record, const char *name) {
  const counterfoil_bytes *value = nth(record, name, 0);
  return value == NULL ? bytes_of(NULL, 0) : *value;
}

static uint64_t number_of(const counterfoil_bytes *value, uint64_t otherwise) {
  char digits[32] = "";
  if (value == NULL || value->size >= sizeof digits) {
    return otherwise;
  }
  memcpy(digits, value->data, value->size);
  return strtoull(digits, NULL, 10);
}

static uint64_t number(const record *record, const char *name, uint64_t otherwise) {
  return number_of(nth(record, name, 0), otherwise);
}

/* All fields of that name, in `items`. */
static counterfoil_list list(const record *record, const char *name, counterfoil_bytes *items) {
  counterfoil_list list = {items, 0};
  for (const counterfoil_bytes *value; (value = nth(record, name, list.count)) != NULL; list.count++) {
    items[list.count] = *value;
  }
  return list;
}

/* ---- what cases share ---- */

typedef struct setting {
  counterfoil_server server;
  counterfoil_issuer issuer;
  counterfoil_nonce_key nonce;
  counterfoil_bytes audiences[64], types[16], required[16], scopes[16], acr_values[16];
} setting;

static counterfoil_code load_keys(const record *record, const char *name, size_t most) {
  counterfoil_keys_free(keys);
  keys = NULL;
  counterfoil_code code = counterfoil_keys_new((uint32_t)number(record, "algorithms", 0), most, 16 * 1024, &keys);
  return code != 0 ? code : counterfoil_keys_load(keys, get(record, name));
}

static counterfoil_code set_proofs(const record *record, counterfoil_proof_rules *rules, counterfoil_nonce_key *nonce) {
  counterfoil_code code = counterfoil_proof_rules_init(rules);
  rules->algorithms = (uint32_t)number(record, "algorithms", 0);
  rules->past = number(record, "past", 300);
  rules->ahead = number(record, "ahead", 10);
  if (code == 0 && nth(record, "nonce_secret", 0) != NULL) {
    code = counterfoil_nonce_key_init(get(record, "nonce_secret"), number(record, "nonce_step", 0), nonce);
    rules->nonce = nonce;
  }
  return code;
}

static counterfoil_code set(const record *record, setting *setting) {
  counterfoil_server *server = &setting->server;
  counterfoil_code code = load_keys(record, "jwks", 16);
  if (code != 0 || (code = counterfoil_server_init(server)) != 0) {
    return code;
  }
  setting->issuer.name = get(record, "issuer");
  setting->issuer.keys = keys;
  server->issuers.items = &setting->issuer;
  server->issuers.count = 1;
  server->audiences = list(record, "audience", setting->audiences);
  server->algorithms = (uint32_t)number(record, "algorithms", 0);
  server->binding = (uint32_t)number(record, "binding", COUNTERFOIL_BINDING_REQUIRED);
  if (nth(record, "profile", 0) != NULL) {
    server->types = list(record, "type", setting->types);
    if (nth(record, "no_type", 0) != NULL) {
      setting->types[server->types.count++] = bytes_of(NULL, 0);
    }
    server->required_claims = list(record, "required", setting->required);
  }
  server->scopes = list(record, "scopes", setting->scopes);
  server->acr_values = list(record, "acr_values", setting->acr_values);
  server->max_age = number(record, "max_age", server->max_age);
  server->leeway = number(record, "leeway", server->leeway);
  server->max_token_size = (size_t)number(record, "max_token_bytes", server->max_token_size);
  server->max_header_size = (size_t)number(record, "max_header_bytes", server->max_header_size);
  server->realm = get_or_null(record, "realm");
  server->replay = &replay;
  return set_proofs(record, &server->proofs, &setting->nonce);
}

static counterfoil_code open_replay(size_t entries) {
  counterfoil_buffer memory = buffer_of(replay_memory, counterfoil_replay_size(entries));
  counterfoil_code code = counterfoil_replay_format(memory, text("0123456789abcdef"));
  return code != 0 ? code : counterfoil_replay_open(memory, NULL, &replay);
}

static counterfoil_code accept_proof(const record *record, counterfoil_bytes token, uint64_t now, counterfoil_proof *proof) {
  counterfoil_proof_rules rules;
  counterfoil_nonce_key nonce;
  counterfoil_proof_target target = {get(record, "method"), get(record, "url"), token};
  counterfoil_code code = set_proofs(record, &rules, &nonce);
  return code != 0 ? code : counterfoil_proof_accept(&rules, get(record, "proof"), &target, now, &replay, buffer_of(scratch, SCRATCH), proof);
}

static counterfoil_code thumbprint_of_certificate(const record *record, counterfoil_thumbprint *thumbprint) {
  if (nth(record, "certificate", 1) != NULL || nth(record, "certificate", 0) == NULL) {
    return COUNTERFOIL_ERROR_CERTIFICATE_REPEATED;
  }
  return counterfoil_thumbprint_of_certificate((uint32_t)number(record, "certificate_form", 0), get(record, "certificate"),
                                               buffer_of(scratch, SCRATCH), thumbprint);
}

static counterfoil_code present(const record *record, counterfoil_bytes credential, counterfoil_presenter *presenter, counterfoil_proof *proof) {
  memset(presenter, 0, sizeof *presenter);
  if (nth(record, "certificate_form", 0) != NULL) {
    presenter->kind = COUNTERFOIL_PRESENTER_CERTIFICATE;
    return thumbprint_of_certificate(record, &presenter->thumbprint);
  }
  if (nth(record, "thumbprint", 0) != NULL) {
    presenter->kind = COUNTERFOIL_PRESENTER_CERTIFICATE;
    return counterfoil_thumbprint_read(get(record, "thumbprint"), &presenter->thumbprint);
  }
  if (nth(record, "proof", 0) != NULL) {
    presenter->kind = COUNTERFOIL_PRESENTER_DPOP;
    presenter->proof = proof;
    counterfoil_code code = open_replay(16);
    return code != 0 ? code : accept_proof(record, credential, number(record, "now", 0), proof);
  }
  return 0;
}

static void check_text(const record *record, const char *name, counterfoil_bytes found) {
  const counterfoil_bytes *expected = nth(record, name, 0);
  if (expected != NULL && !same(*expected, found)) {
    fprintf(stderr, "%s: %s: %.*s instead of %.*s\n", record->id, name, (int)found.size, (const char *)found.data,
            (int)expected->size, (const char *)expected->data);
    failures++;
  }
}

static void check_thumbprint(const record *record, const char *name, const counterfoil_thumbprint *thumbprint) {
  char room[64];
  counterfoil_bytes found;
  EXPECT(counterfoil_thumbprint_write(thumbprint, buffer_of(room, sizeof room), &found), 0);
  check_text(record, name, found);
}

/* White space outside of strings does not count. */
static counterfoil_bytes without_space(counterfoil_bytes json, char *room) {
  size_t size = 0;
  int in_string = 0;
  for (size_t i = 0; i < json.size; i++) {
    char c = ((const char *)json.data)[i];
    in_string ^= c == '"' && (i == 0 || ((const char *)json.data)[i - 1] != '\\');
    if (in_string || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) {
      room[size++] = c;
    }
  }
  return bytes_of(room, size);
}

static void check_claims(const record *record, const counterfoil_token *token) {
  static char room[65536], name_room[4096];
  counterfoil_bytes name, json, found;
  size_t claims = 0;
  for (; nth(record, "expect_claim", claims) != NULL; claims++) {
    EXPECT(counterfoil_token_claim(token, *nth(record, "expect_claim", claims), &json), 0);
    if (number_of(nth(record, "is_text", claims), 0)) {
      EXPECT(counterfoil_value_text(json, buffer_of(room, sizeof room), &found), 0);
    } else {
      found = without_space(json, room);
    }
    if (!same(*nth(record, "expect_value", claims), found)) {
      fprintf(stderr, "%s: claim %d is %.*s\n", record->id, (int)claims, (int)found.size, (const char *)found.data);
      failures++;
    }
  }
  if (claims > 0) {
    size_t own = 0;
    while (counterfoil_token_claim_at(token, own, buffer_of(name_room, sizeof name_room), &name, &json) == 0) {
      own++;
    }
    CHECK(own == claims);
  }
}

/* ---- kinds ---- */

static counterfoil_code access_token(const record *record) {
  static setting setting;
  counterfoil_presenter presenter;
  counterfoil_proof proof;
  counterfoil_token token, first, second;
  counterfoil_bytes presented = get(record, "presented");
  uint64_t now = number(record, "now", 0);
  counterfoil_code code = set(record, &setting);
  if (code != 0 || (code = counterfoil_server_judge(&setting.server)) != 0 || (code = present(record, presented, &presenter, &proof)) != 0) {
    return code;
  }
  counterfoil_batch_item items[3] = {{presented, presenter, &first, 999}, {bytes_of("", 0), presenter, &token, 999}, {presented, presenter, &second, 999}};
  counterfoil_batch batch = {items, 3};
  EXPECT(counterfoil_server_accept_batch(&setting.server, batch, now, buffer_of(scratch, SCRATCH)), 0);
  code = counterfoil_server_accept(&setting.server, presented, &presenter, now, buffer_of(scratch, SCRATCH), &token);
  CHECK(items[0].code == code && items[2].code == code && items[1].code != 0);
  if (code == 0) {
    check_claims(record, &token);
  }
  /* The same twice with a cache: when it judges anew, and from memory. */
  setting.server.tokens = &cache;
  for (int again = 0; again < 2; again++) {
    EXPECT(counterfoil_server_accept(&setting.server, presented, &presenter, now, buffer_of(scratch, SCRATCH), &token), code);
    if (code == 0) {
      check_claims(record, &token);
    }
  }
  return code;
}

static counterfoil_code split_token(const record *record) {
  static setting setting;
  static char room[65536];
  counterfoil_halves halves = {get(record, "counterfoil"), get(record, "ticket")};
  counterfoil_presenter presenter;
  counterfoil_proof proof;
  counterfoil_token token;
  counterfoil_bytes joined, counterfoil, ticket;
  counterfoil_code code = set(record, &setting);
  if (code != 0 || (code = counterfoil_server_judge(&setting.server)) != 0 || (code = present(record, halves.ticket, &presenter, &proof)) != 0) {
    return code;
  }
  code = counterfoil_server_accept_split(&setting.server, &halves, &presenter, number(record, "now", 0), buffer_of(scratch, SCRATCH), &token);
  setting.server.tokens = &cache;
  for (int again = 0; again < 2; again++) {
    EXPECT(counterfoil_server_accept_split(&setting.server, &halves, &presenter, number(record, "now", 0), buffer_of(scratch, SCRATCH), &token), code);
  }
  if (code == 0) {
    EXPECT(counterfoil_token_join(halves.counterfoil, halves.ticket, buffer_of(room, sizeof room), &joined), 0);
    check_text(record, "expect_joined", joined);
    EXPECT(counterfoil_token_split(joined, &counterfoil, &ticket), 0);
    CHECK(same(counterfoil, halves.counterfoil) && same(ticket, halves.ticket));
  }
  return code;
}

static int with_cache;

static counterfoil_code request(const record *record) {
  static setting setting;
  counterfoil_bytes authorization[8], dpop[8];
  counterfoil_request request;
  counterfoil_credential credential;
  counterfoil_token token;
  counterfoil_answer answer;
  counterfoil_bytes nonce;
  char room[1024], nonce_room[64];
  counterfoil_code code = set(record, &setting);
  if (code != 0 || (code = counterfoil_server_judge(&setting.server)) != 0) {
    return code;
  }
  setting.server.tokens = with_cache ? &cache : NULL;
  memset(&request, 0, sizeof request);
  memset(&credential, 0, sizeof credential);
  request.method = get(record, "method");
  request.url = get(record, "url");
  request.authorization = list(record, "authorization", authorization);
  request.dpop = list(record, "dpop", dpop);
  request.certificate_form = (uint32_t)number(record, "certificate_form", COUNTERFOIL_CERTIFICATE_NONE);
  request.certificate = get_or_null(record, "certificate");
  request.now = number(record, "now", 0);
  code = counterfoil_request_credential(&request, &credential);
  if (code == 0) {
    code = counterfoil_request_judge(&setting.server, &request, &credential, NULL, buffer_of(scratch, SCRATCH), &token);
  }
  int has_nonce = counterfoil_request_nonce(&setting.server, request.now, buffer_of(nonce_room, sizeof nonce_room), &nonce) == 0;
  CHECK(nth(record, "expect_dpop_nonce", 0) == NULL || number(record, "expect_dpop_nonce", 0) == (uint64_t)has_nonce);
  if (code == 0) {
    check_claims(record, &token);
  } else {
    EXPECT(counterfoil_request_answer(&setting.server, code, &credential, request.now, buffer_of(room, sizeof room), &answer), 0);
    check_text(record, "expect_www_authenticate", answer.www_authenticate);
    CHECK(nth(record, "expect_status", 0) == NULL || number(record, "expect_status", 0) == answer.status);
    CHECK(answer.status == counterfoil_error_http_status(code));
    CHECK((answer.dpop_nonce.data != NULL) == has_nonce && (!has_nonce || same(answer.dpop_nonce, nonce)));
  }
  return code;
}

static counterfoil_code dpop(const record *record) {
  counterfoil_proof proof;
  counterfoil_thumbprint thumbprint;
  counterfoil_code code = accept_proof(record, get_or_null(record, "token"), number(record, "now", 0), &proof);
  if (code == 0) {
    EXPECT(counterfoil_proof_thumbprint(&proof, &thumbprint), 0);
    check_thumbprint(record, "expect_thumbprint", &thumbprint);
  }
  return code;
}

static counterfoil_code jarm(const record *record) {
  counterfoil_code code = load_keys(record, "jwks", 16);
  counterfoil_response_rules rules = {get(record, "issuer"), get(record, "client_id"), (uint32_t)number(record, "algorithms", 0),
                                      keys, 10, get_or_null(record, "state")};
  counterfoil_response response;
  counterfoil_buffer room = buffer_of(scratch, SCRATCH);
  uint64_t now = number(record, "now", 0);
  if (code != 0) {
    return code;
  }
  if (nth(record, "query", 0) != NULL) {
    code = counterfoil_response_accept_query(&rules, get(record, "query"), now, room, &response);
  } else {
    code = counterfoil_response_accept(&rules, get(record, "response"), now, room, &response);
  }
  if (code == 0) {
    check_text(record, "expect_code", response.code);
    check_text(record, "expect_error", response.error);
    CHECK((response.code.data == NULL) != (response.error.data == NULL));
  }
  return code;
}

static counterfoil_code signature(const record *record) {
  char room[1024];
  counterfoil_bytes octets;
  uint32_t algorithm = (uint32_t)number(record, "algorithms", 0);
  counterfoil_thumbprint thumbprint;
  /* The key is judged before the signature is decoded. */
  counterfoil_code code = counterfoil_thumbprint_of_jwk(get(record, "jwk"), algorithm, &thumbprint);
  if (code != 0 || (code = counterfoil_base64url_decode(get(record, "signature"), buffer_of(room, sizeof room), &octets)) != 0) {
    return code;
  }
  return counterfoil_signature_verify(get(record, "jwk"), algorithm, get(record, "signing_input"), octets);
}

static counterfoil_code jwk(const record *record) {
  counterfoil_thumbprint thumbprint;
  counterfoil_code code = counterfoil_thumbprint_of_jwk(get(record, "jwk"), (uint32_t)number(record, "algorithms", 0), &thumbprint);
  if (code == 0) {
    check_thumbprint(record, "expect_thumbprint", &thumbprint);
  }
  return code;
}

static counterfoil_code jwks(const record *record) {
  counterfoil_code code = load_keys(record, "own_jwks", (size_t)number(record, "capacity", 8)), fault;
  size_t index, refused = 0;
  if (code != 0) {
    return code;
  }
  for (; nth(record, "expect_refused", refused) != NULL; refused++) {
    EXPECT(counterfoil_keys_refused(keys, refused, &index, &fault), 0);
    CHECK(index == number_of(nth(record, "expect_refused_index", refused), 99));
    CHECK(same(*nth(record, "expect_refused", refused), text(counterfoil_error_slug(fault))));
  }
  if (refused > 0) {
    EXPECT(counterfoil_keys_refused(keys, refused, &index, &fault), COUNTERFOIL_ERROR_KEY_UNKNOWN);
  }
  CHECK(counterfoil_keys_count(keys) > 0);
  return 0;
}

static counterfoil_bytes hex_of(const uint8_t *octets, size_t count, char *room) {
  for (size_t i = 0; i < count; i++) {
    sprintf(room + 2 * i, "%02x", octets[i]);
  }
  return bytes_of(room, 2 * count);
}

static counterfoil_code base64url(const record *record) {
  static char room[SCRATCH], hex[2 * SCRATCH];
  counterfoil_bytes octets;
  counterfoil_code code = counterfoil_base64url_decode(get(record, "text"), buffer_of(room, SCRATCH), &octets);
  if (code == 0) {
    check_text(record, "expect_hex", hex_of((const uint8_t *)octets.data, octets.size, hex));
  }
  return code;
}

static counterfoil_code htu(const record *record) {
  counterfoil_proof_rules rules;
  counterfoil_proof proof;
  counterfoil_proof_target target = {text("GET"), get(record, "url"), bytes_of(NULL, 0)};
  EXPECT(counterfoil_proof_rules_init(&rules), 0);
  counterfoil_code code = counterfoil_proof_accept(&rules, get(record, "proof"), &target, 0, &replay, buffer_of(scratch, SCRATCH), &proof);
  /* The URL was good, the signature is not. */
  return code == COUNTERFOIL_ERROR_PROOF_SIGNATURE ? 0 : code;
}

static counterfoil_code certificate(const record *record) {
  counterfoil_thumbprint thumbprint;
  counterfoil_code code = thumbprint_of_certificate(record, &thumbprint);
  if (code == 0) {
    check_thumbprint(record, "expect_thumbprint", &thumbprint);
  }
  return code;
}

static counterfoil_code ticket(const record *record) {
  static const struct { uint32_t encoding; const char *name; } encodings[] = {
    {COUNTERFOIL_ENCODING_BASE64URL, "expect_base64url"}, {COUNTERFOIL_ENCODING_BASE64, "expect_base64"}, {COUNTERFOIL_ENCODING_HEX, "expect_hex"}};
  char room[64];
  counterfoil_bytes key;
  for (size_t i = 0; i < 3; i++) {
    counterfoil_code code = counterfoil_ticket_key(get(record, "ticket"), encodings[i].encoding, buffer_of(room, sizeof room), &key);
    if (code != 0) {
      return code;
    }
    check_text(record, encodings[i].name, key);
  }
  return 0;
}

static counterfoil_code ticket_hash(const record *record) {
  counterfoil_thumbprint hash;
  char hex[65];
  counterfoil_code code = counterfoil_ticket_key_read(get(record, "text"), (uint32_t)number(record, "encoding", 99), &hash);
  if (code == 0) {
    check_text(record, "expect_hex", hex_of(hash.octets, 32, hex));
  }
  return code;
}

static counterfoil_code value(const record *record) {
  return counterfoil_value_judge(get(record, "text"));
}

static const struct { const char *name; counterfoil_code (*judge)(const record *); } kinds[] = {
  {"access_token", access_token}, {"split_token", split_token}, {"request", request}, {"dpop", dpop}, {"jarm", jarm},
  {"signature", signature}, {"jwk", jwk}, {"jwks", jwks}, {"base64url", base64url}, {"htu", htu}, {"certificate", certificate},
  {"ticket", ticket}, {"ticket_hash", ticket_hash}, {"json", value}};

static counterfoil_code judge(const record *record) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].name, record->kind) == 0) {
      return kinds[i].judge(record);
    }
  }
  fprintf(stderr, "%s: unknown kind %s\n", record->id, record->kind);
  exit(2);
}

static void open_cache(void) {
  size_t size = counterfoil_token_cache_size(8);
  cache_memory = malloc(size);
  EXPECT(counterfoil_token_cache_format(buffer_of(cache_memory, size), text("0123456789abcdef")), 0);
  EXPECT(counterfoil_token_cache_open(buffer_of(cache_memory, size), NULL, &cache), 0);
}

static size_t run(counterfoil_bytes all, size_t every, const char *kind) {
  static record record;
  size_t cases = 0, seen = 0;
  int is_open = 0, had_before = 0;
  at = (const char *)all.data;
  end_of_file = at + all.size;
  while (next_record(&record)) {
    is_open = is_open && had_before;
    int is_wanted = had_before || record.is_before || seen++ % every == 0;
    had_before = record.is_before;
    if (!is_wanted || (kind != NULL && strcmp(record.kind, kind) != 0)) {
      continue;
    }
    counterfoil_code code = is_open ? 0 : open_replay((size_t)number(&record, "store_capacity", 64));
    is_open = 1;
    code = code != 0 && strcmp(record.kind, "dpop") == 0 ? code : judge(&record);
    counterfoil_bytes expected = get(&record, "expect");
    if (!same(expected, text(counterfoil_error_slug(code)))) {
      fprintf(stderr, "%s: %s instead of %.*s\n", record.id, counterfoil_error_slug(code), (int)expected.size, (const char *)expected.data);
      failures++;
    }
    cases += !record.is_before;
  }
  CHECK(at == end_of_file);
  return cases;
}

/* vectors FILE [EVERY]: every case, or each EVERYth; then the requests again, twice each, with a cache of tokens. */
int main(int argc, char **argv) {
  size_t every = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
  counterfoil_bytes all = file(argc > 1 ? argv[1] : "vectors.txt");
  open_cache();
  size_t cases = run(all, every, NULL);
  for (with_cache = 1; with_cache <= 2; with_cache++) {
    CHECK(run(all, every, "request") > 0);
  }
  counterfoil_keys_free(keys);
  free(cache_memory);
  free((void *)(uintptr_t)all.data);
  return report("vectors", cases);
}
