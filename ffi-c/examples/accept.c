/* accept JWKS TOKEN CERTIFICATE: judges a request that came over TLS with this client certificate (DER). */
#include <stdio.h>
#include <string.h>

#include <counterfoil.h>

static counterfoil_bytes text(const char *text) {
  counterfoil_bytes bytes = {text, strlen(text)};
  return bytes;
}

static counterfoil_bytes file(const char *name, char *room, size_t size) {
  FILE *file = fopen(name, "rb");
  counterfoil_bytes bytes = {room, file == NULL ? 0 : fread(room, 1, size, file)};
  if (file != NULL) fclose(file);
  return bytes;
}

int main(int argc, char **argv) {
  static char jwks[16384], authorization[16384] = "Bearer ", certificate[8192], scratch[32768], room[1024];
  counterfoil_keys *keys;
  counterfoil_server server;
  counterfoil_request request = {0};
  counterfoil_credential credential = {{0}};
  counterfoil_token token;
  counterfoil_bytes subject;
  if (argc != 4) return 2;

  /* Once: keys, which may be loaded again at any time, and what this API accepts. */
  if (counterfoil_keys_new(COUNTERFOIL_FAPI, 8, 262144, &keys) != COUNTERFOIL_OK) return 2;
  if (counterfoil_keys_load(keys, file(argv[1], jwks, sizeof jwks)) != COUNTERFOIL_OK) return 2;
  counterfoil_issuer issuer = {text("https://as.example"), keys};
  counterfoil_bytes audience = text("https://api.example");
  counterfoil_server_init(&server);
  server.issuers = (counterfoil_issuers){&issuer, 1};
  server.audiences = (counterfoil_list){&audience, 1};
  if (counterfoil_server_judge(&server) != COUNTERFOIL_OK) return 2;

  /* For each request: its credential, which a gateway may look up here, and the decision. */
  counterfoil_bytes held = file(argv[2], authorization + 7, sizeof authorization - 7);
  counterfoil_bytes header = {authorization, held.size + 7};
  request.method = text("GET");
  request.url = text("https://api.example/accounts");
  request.authorization = (counterfoil_list){&header, 1};
  request.certificate_form = COUNTERFOIL_CERTIFICATE_DER;
  request.certificate = file(argv[3], certificate, sizeof certificate);
  request.now = 1800000000;
  counterfoil_code code = counterfoil_request_credential(&request, &credential);
  if (code == COUNTERFOIL_OK) {
    counterfoil_buffer memory = {scratch, sizeof scratch};
    code = counterfoil_request_judge(&server, &request, &credential, NULL, memory, &token);
  }

  counterfoil_buffer buffer = {room, sizeof room};
  if (code == COUNTERFOIL_OK && counterfoil_token_subject(&token, buffer, &subject) == COUNTERFOIL_OK) {
    printf("accepted: %.*s\n", (int)subject.size, (const char *)subject.data);
  } else {
    counterfoil_answer answer;
    if (counterfoil_request_answer(&server, code, &credential, request.now, buffer, &answer) != COUNTERFOIL_OK) return 2;
    printf("refused: %s: %d, WWW-Authenticate: %.*s\n", counterfoil_error_slug(code), answer.status,
           (int)answer.www_authenticate.size, (const char *)answer.www_authenticate.data);
  }
  counterfoil_keys_free(keys);
  return code == COUNTERFOIL_OK ? 0 : 1;
}
