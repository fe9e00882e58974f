/* The engine's own time for the requests that wrk sends: engine JWKS CERTIFICATE.der REQUESTS ORIGIN, prints nanoseconds for each. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counterfoil.h"

enum { MOST = 100000, SCRATCH = 65536 };

static char *lines[MOST];

static counterfoil_bytes
read_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    char *text = malloc(256 << 20);
    size_t size = file == NULL ? 0 : fread(text, 1, 256 << 20, file);

    if (size == 0) {
        exit(2);
    }
    fclose(file);
    return (counterfoil_bytes) { text, size };
}

static void
good(counterfoil_code code)
{
    if (code != COUNTERFOIL_OK) {
        fprintf(stderr, "%s\n", counterfoil_error_slug(code));
        exit(1);
    }
}

static counterfoil_bytes
text(const char *from)
{
    return (counterfoil_bytes) { from, strlen(from) };
}

/* A line: path, "Authorization", value, and perhaps "DPoP", proof. */
static void
judge(counterfoil_server *server, counterfoil_bytes certificate, const char *origin, char *line, void *scratch)
{
    char *fields[5] = { 0 };
    char url[4096];
    counterfoil_bytes authorization, dpop;
    counterfoil_request request = { 0 };
    counterfoil_credential credential;
    counterfoil_token token;

    for (int i = 0; i < 5; i++) {
        fields[i] = strsep(&line, "\t");
    }
    snprintf(url, sizeof(url), "%s%s", origin, fields[0]);
    authorization = text(fields[2]);
    request.method = text("GET");
    request.url = text(url);
    request.authorization = (counterfoil_list) { &authorization, 1 };
    if (fields[4] != NULL) {
        dpop = text(fields[4]);
        request.dpop = (counterfoil_list) { &dpop, 1 };
    }
    request.certificate_form = COUNTERFOIL_CERTIFICATE_DER;
    request.certificate = certificate;
    request.now = (uint64_t) time(NULL);
    good(counterfoil_request_credential(&request, &credential));
    good(counterfoil_request_judge(server, &request, &credential, NULL, (counterfoil_buffer) { scratch, SCRATCH }, &token));
}

int
main(int count, char **arguments)
{
    static const unsigned char random[16] = { 1 };
    counterfoil_bytes jwks, certificate, requests, audience = text("https://api.example.com");
    counterfoil_issuer issuer = { text("https://as.example.com"), NULL };
    counterfoil_keys *keys;
    counterfoil_server server;
    counterfoil_replay replay;
    counterfoil_token_cache tokens;
    counterfoil_key_tables proof_keys;
    counterfoil_buffer memory;
    struct timespec start, end;
    size_t number = 0;

    if (count != 5) {
        return 2;
    }
    jwks = read_file(arguments[1]);
    certificate = read_file(arguments[2]);
    requests = read_file(arguments[3]);
    good(counterfoil_keys_new(COUNTERFOIL_FAPI, COUNTERFOIL_MAX_KEYS, 65536, &keys));
    good(counterfoil_keys_load(keys, jwks));
    issuer.keys = keys;
    good(counterfoil_server_init(&server));
    server.issuers = (counterfoil_issuers) { &issuer, 1 };
    server.audiences = (counterfoil_list) { &audience, 1 };
    memory = (counterfoil_buffer) { malloc(counterfoil_replay_size(1 << 20)), counterfoil_replay_size(1 << 20) };
    good(counterfoil_replay_format(memory, (counterfoil_bytes) { random, 16 }));
    good(counterfoil_replay_open(memory, NULL, &replay));
    server.replay = &replay;

    /* Requests with proofs as nginx judges them by default: good tokens and keys of proofs are remembered. */
    if (memmem(requests.data, requests.size, "\tDPoP\t", 6) != NULL) {
        memory = (counterfoil_buffer) { malloc(counterfoil_token_cache_size(2000)), counterfoil_token_cache_size(2000) };
        good(counterfoil_token_cache_format(memory, (counterfoil_bytes) { random, 16 }));
        good(counterfoil_token_cache_open(memory, NULL, &tokens));
        server.tokens = &tokens;
        memory = (counterfoil_buffer) { malloc(counterfoil_key_tables_size(64)), counterfoil_key_tables_size(64) };
        good(counterfoil_key_tables_format(memory, (counterfoil_bytes) { random, 16 }));
        good(counterfoil_key_tables_open(memory, NULL, &proof_keys));
        server.proof_keys = &proof_keys;
    }

    ((char *) requests.data)[requests.size] = '\0';
    for (char *rest = (char *) requests.data; number < MOST && rest != NULL && *rest != '\0'; number++) {
        lines[number] = strsep(&rest, "\n");
    }
    void *scratch = malloc(SCRATCH);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (size_t i = 0; i < number; i++) {
        judge(&server, certificate, arguments[4], lines[i], scratch);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.0f\n", ((double) (end.tv_sec - start.tv_sec) * 1e9 + (double) (end.tv_nsec - start.tv_nsec)) / (double) number);
    counterfoil_keys_free(keys);
    return 0;
}
