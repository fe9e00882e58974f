/* A gateway that watches a file of keys: one decision for a request, from eight threads; what it cannot be made of. */
#include <pthread.h>
#include <unistd.h>

#include "support.h"

#define NOW 1800000000

static const char *data;
static counterfoil_bytes token, certificate;
static char header[8192];
static counterfoil_bytes authorization;

static counterfoil_bytes data_file(const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", data, name);
  return file(path);
}

/* Put in the place of the old one at once, as an administrator should. */
static void write_file(const char *path, const char *name) {
  char new_path[1024];
  counterfoil_bytes content = data_file(name);
  snprintf(new_path, sizeof new_path, "%s.new", path);
  FILE *out = fopen(new_path, "wb");
  CHECK(out != NULL && fwrite(content.data, 1, content.size, out) == content.size);
  if (out != NULL) {
    fclose(out);
  }
  CHECK(rename(new_path, path) == 0);
  free((void *)(uintptr_t)content.data);
}

static counterfoil_request request(void) {
  counterfoil_request request;
  memset(&request, 0, sizeof request);
  request.method = text("GET");
  request.url = text("https://api.example/accounts");
  request.authorization.items = &authorization;
  request.authorization.count = 1;
  request.certificate_form = COUNTERFOIL_CERTIFICATE_DER;
  request.certificate = certificate;
  request.now = NOW;
  return request;
}

typedef struct work {
  const counterfoil_gateway *gateway;
  size_t accepted;
} work;

static void *judge(void *to) {
  work *work = (struct work *)to;
  counterfoil_room *room = NULL;
  counterfoil_token accepted;
  counterfoil_answer answer;
  counterfoil_request own = request();
  if (counterfoil_room_new(&room) != 0) {
    return NULL;
  }
  for (int i = 0; i < 500; i++) {
    work->accepted += counterfoil_gateway_judge(work->gateway, &own, room, &accepted, &answer) == 0;
  }
  counterfoil_room_free(room);
  return NULL;
}

/* gateway DATA FILE: FILE is written. */
int main(int argc, char **argv) {
  counterfoil_gateway *gateway = NULL, *none = NULL;
  counterfoil_room *room = NULL;
  counterfoil_gateway_settings settings;
  counterfoil_gateway_issuer issuer;
  counterfoil_server policy;
  counterfoil_issuer name = {text("https://as.example"), NULL};
  counterfoil_bytes audience = text("https://api.example"), subject;
  counterfoil_token accepted;
  counterfoil_answer answer;
  uint64_t count;
  if (argc != 3) {
    return 2;
  }
  data = argv[1];
  token = data_file("paved/token.txt");
  certificate = data_file("paved/client.der");
  memcpy(header, "Bearer ", 7);
  memcpy(header + 7, token.data, token.size);
  authorization = bytes_of(header, token.size + 7);
  counterfoil_request own = request();

  EXPECT(counterfoil_server_init(&policy), 0);
  policy.issuers.items = &name;
  policy.issuers.count = 1;
  policy.audiences.items = &audience;
  policy.audiences.count = 1;
  memset(&issuer, 0, sizeof issuer);
  issuer.policy = &policy;
  issuer.key_source = COUNTERFOIL_KEYS_FILE;
  issuer.keys = text(argv[2]);
  EXPECT(counterfoil_gateway_settings_init(&settings), 0);
  EXPECT(counterfoil_gateway_new(&settings, &none), COUNTERFOIL_ERROR_ISSUER_UNSET);
  settings.issuers.items = &issuer;
  settings.issuers.count = 1;
  settings.proof_count = 1024;
  unlink(argv[2]);
  EXPECT(counterfoil_gateway_new(&settings, &none), COUNTERFOIL_ERROR_MATERIAL_UNUSABLE);
  settings.introspection.url = text("http://as.example/introspect");
  settings.client_id = text("api");
  settings.client_secret = text("secret");
  EXPECT(counterfoil_gateway_new(&settings, &none), COUNTERFOIL_ERROR_ADDRESS_MALFORMED);
  settings.introspection.url.data = NULL;
  CHECK(none == NULL);

  write_file(argv[2], "paved/jwks.json");
  EXPECT(counterfoil_gateway_new(&settings, &gateway), 0);
  EXPECT(counterfoil_gateway_wait(gateway, 0), 0);
  EXPECT(counterfoil_room_new(&room), 0);
  EXPECT(counterfoil_gateway_judge(gateway, &own, NULL, &accepted, &answer), COUNTERFOIL_ERROR_NULL_POINTER);
  EXPECT(counterfoil_gateway_judge(gateway, &own, room, &accepted, &answer), 0);
  EXPECT(counterfoil_token_subject(&accepted, buffer_of(NULL, 0), &subject), 0);
  CHECK(same(subject, text("4711")));
  own.certificate_form = COUNTERFOIL_CERTIFICATE_NONE;
  EXPECT(counterfoil_gateway_judge(gateway, &own, room, &accepted, &answer), COUNTERFOIL_ERROR_CERTIFICATE_MISSING);
  CHECK(answer.status == 401 && same(answer.www_authenticate, text("Bearer error=\"invalid_token\"")));
  CHECK(same(answer.body, text("{\"error\":\"invalid_token\"}")) && answer.dpop_nonce.data == NULL);
  own = request();

  pthread_t threads[8];
  work works[8];
  for (int i = 0; i < 8; i++) {
    works[i].gateway = gateway;
    works[i].accepted = 0;
    CHECK(pthread_create(&threads[i], NULL, judge, &works[i]) == 0);
  }
  for (int i = 0; i < 8; i++) {
    pthread_join(threads[i], NULL);
    CHECK(works[i].accepted == 500);
  }
  EXPECT(counterfoil_gateway_count(gateway, 0, &count), 0);
  CHECK(count == 4001);
  EXPECT(counterfoil_gateway_count(gateway, COUNTERFOIL_ERROR_CERTIFICATE_MISSING, &count), 0);
  CHECK(count == 1);

  /* Other keys come by the file, and by the host. */
  counterfoil_code code = 0;
  write_file(argv[2], "embedded/jwks.json");
  for (int tries = 0; tries < 100 && code == 0; tries++) {
    usleep(100000);
    code = counterfoil_gateway_judge(gateway, &own, room, &accepted, &answer);
  }
  EXPECT(code, COUNTERFOIL_ERROR_KEY_UNKNOWN);
  counterfoil_bytes set = data_file("paved/jwks.json");
  EXPECT(counterfoil_gateway_replace_keys(gateway, text("https://other.example"), set), COUNTERFOIL_ERROR_ISSUER_MISMATCH);
  EXPECT(counterfoil_gateway_replace_keys(gateway, text("https://as.example"), set), 0);
  EXPECT(counterfoil_gateway_judge(gateway, &own, room, &accepted, &answer), 0);
  counterfoil_gateway_free(gateway);

  /* The same from a JSON text. */
  char json[2048];
  snprintf(json, sizeof json, "{\"issuers\":[{\"issuer\":\"https://as.example\",\"audience\":[\"https://other.example\",\"https://api.example\"],"
           "\"jwks_file\":\"%s/paved/jwks.json\"}],\"realm\":\"accounts\",\"dpop\":{\"replay_url\":\"redis://127.0.0.1:1\"}}", data);
  EXPECT(counterfoil_gateway_from_json(text("{\"issuers\":[],\"issuer\":1}"), &none), COUNTERFOIL_ERROR_SETTINGS_MALFORMED);
  EXPECT(counterfoil_gateway_from_json(text("{\"issuers\":[]}"), &none), COUNTERFOIL_ERROR_ISSUER_UNSET);
  EXPECT(counterfoil_gateway_from_json(bytes_of(NULL, 1), &none), COUNTERFOIL_ERROR_NULL_POINTER);
  CHECK(none == NULL);
  EXPECT(counterfoil_gateway_from_json(text(json), &gateway), 0);
  EXPECT(counterfoil_gateway_judge(gateway, &own, room, &accepted, &answer), 0);
  own.certificate_form = COUNTERFOIL_CERTIFICATE_NONE;
  EXPECT(counterfoil_gateway_judge(gateway, &own, room, &accepted, &answer), COUNTERFOIL_ERROR_CERTIFICATE_MISSING);
  CHECK(same(answer.www_authenticate, text("Bearer realm=\"accounts\", error=\"invalid_token\"")));
  own = request();
  counterfoil_gateway_free(gateway);

  issuer.key_source = COUNTERFOIL_KEYS_HOST;
  EXPECT(counterfoil_gateway_new(&settings, &gateway), 0);
  EXPECT(counterfoil_gateway_wait(gateway, 1), COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE);
  EXPECT(counterfoil_gateway_judge(gateway, &own, room, &accepted, &answer), COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE);
  CHECK(answer.status == 503 && answer.www_authenticate.data == NULL);
  counterfoil_gateway_free(gateway);
  counterfoil_room_free(room);
  free((void *)(uintptr_t)set.data);
  free((void *)(uintptr_t)token.data);
  free((void *)(uintptr_t)certificate.data);
  return report("gateway", 4000);
}
