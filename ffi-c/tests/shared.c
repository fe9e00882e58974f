/* One server for eight threads while keys rotate; one replay table for four processes, of which one dies with the lock in its hand. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define NOW 1800000000
#define ENTRIES 4096

static const char *data;
static counterfoil_bytes token, certificate;
static counterfoil_server server;
static counterfoil_issuer issuer;
static counterfoil_bytes audience;

static counterfoil_bytes data_file(const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", data, name);
  return file(path);
}

/* ---- threads ---- */

static size_t rounds;
static volatile int stop, accepted_once, unknown_once;
static volatile size_t loads;

typedef struct outcome {
  size_t accepted, unknown, other;
} outcome;

static void *judge(void *to) {
  outcome *outcome = (struct outcome *)to;
  char scratch[16 * 1024];
  counterfoil_presenter presenter;
  counterfoil_token accepted;
  memset(&presenter, 0, sizeof presenter);
  presenter.kind = COUNTERFOIL_PRESENTER_CERTIFICATE;
  if (counterfoil_thumbprint_of_certificate(COUNTERFOIL_CERTIFICATE_DER, certificate, buffer_of(NULL, 0), &presenter.thumbprint) != 0) {
    return NULL;
  }
  /* Also until both sets have been seen: some schedulers let the rotator come late. */
  for (size_t i = 0; i < rounds || (!(accepted_once && unknown_once) && i < 500 * rounds); i++) {
    counterfoil_code code = counterfoil_server_accept(&server, token, &presenter, NOW, buffer_of(scratch, sizeof scratch), &accepted);
    outcome->accepted += code == 0;
    outcome->unknown += code == COUNTERFOIL_ERROR_KEY_UNKNOWN;
    if (code == 0) {
      accepted_once = 1;
    } else if (code == COUNTERFOIL_ERROR_KEY_UNKNOWN) {
      unknown_once = 1;
    }
    outcome->other += code != 0 && code != COUNTERFOIL_ERROR_KEY_UNKNOWN;
  }
  return NULL;
}

static void *rotate(void *keys) {
  counterfoil_bytes sets[2] = {data_file("paved/jwks.json"), data_file("embedded/jwks.json")};
  for (; !stop; loads++) {
    EXPECT(counterfoil_keys_load((counterfoil_keys *)keys, sets[loads % 2]), 0);
    /* so that either is in force for a while */
    usleep(500);
  }
  free((void *)(uintptr_t)sets[0].data);
  free((void *)(uintptr_t)sets[1].data);
  return NULL;
}

static void threads(void) {
  counterfoil_keys *keys = NULL;
  counterfoil_bytes set = data_file("paved/jwks.json");
  pthread_t judges[8], rotator;
  outcome outcomes[8], sum = {0, 0, 0};
  memset(outcomes, 0, sizeof outcomes);
  EXPECT(counterfoil_keys_new(COUNTERFOIL_FAPI, 8, 16 * 1024, &keys), 0);
  EXPECT(counterfoil_keys_load(keys, set), 0);
  issuer.keys = keys;
  for (int i = 0; i < 8; i++) {
    CHECK(pthread_create(&judges[i], NULL, judge, &outcomes[i]) == 0);
  }
  CHECK(pthread_create(&rotator, NULL, rotate, keys) == 0);
  for (int i = 0; i < 8; i++) {
    pthread_join(judges[i], NULL);
    sum.accepted += outcomes[i].accepted;
    sum.unknown += outcomes[i].unknown;
    sum.other += outcomes[i].other;
  }
  stop = 1;
  pthread_join(rotator, NULL);
  /* The one set has the token's key and the other does not: no third verdict. */
  CHECK(sum.accepted > 0 && sum.unknown > 0 && sum.other == 0 && sum.accepted + sum.unknown >= 8 * rounds);
  printf("threads: %lu accepted, %lu with the other set\n", (unsigned long)sum.accepted, (unsigned long)sum.unknown);
  free((void *)(uintptr_t)set.data);
  counterfoil_keys_free(keys);
}

/* ---- processes ---- */

/* A lock that outlives its holder. */
typedef struct shared {
  pthread_mutex_t mutex;
  size_t accepted, refused, other;
  uint64_t table[8 + 3 * ENTRIES];
  uint64_t tokens[16 * 1024], proof_keys[16 * 1024];
} shared;

static int die_holding;

static int32_t acquire(void *context) {
  pthread_mutex_t *mutex = (pthread_mutex_t *)context;
  int locked = pthread_mutex_lock(mutex);
  if (locked == EOWNERDEAD) {
    locked = pthread_mutex_consistent(mutex);
  }
  if (locked == 0 && die_holding) {
    kill(getpid(), SIGKILL);
  }
  return locked;
}

static void release(void *context) {
  pthread_mutex_unlock((pthread_mutex_t *)context);
}

static counterfoil_token_cache tokens;
static counterfoil_key_tables proof_keys;

static counterfoil_code present(const counterfoil_replay *replay) {
  static char scratch[32 * 1024], header[8192];
  counterfoil_bytes bound = data_file("embedded/bound.ES256.txt"), proof = data_file("embedded/proof.ES256.txt");
  counterfoil_nonce_key nonce;
  counterfoil_request request;
  counterfoil_credential credential;
  counterfoil_token accepted;
  memcpy(header, "DPoP ", 5);
  memcpy(header + 5, bound.data, bound.size);
  counterfoil_bytes authorization = bytes_of(header, bound.size + 5);
  memset(&request, 0, sizeof request);
  request.method = text("GET");
  request.url = text("https://api.example/accounts");
  request.authorization.items = &authorization;
  request.authorization.count = 1;
  request.dpop.items = &proof;
  request.dpop.count = 1;
  request.now = NOW;
  EXPECT(counterfoil_nonce_key_init(text("nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"), 60, &nonce), 0);
  server.proofs.nonce = &nonce;
  server.replay = replay;
  server.tokens = &tokens;
  server.proof_keys = &proof_keys;
  EXPECT(counterfoil_request_credential(&request, &credential), 0);
  counterfoil_code code = counterfoil_request_judge(&server, &request, &credential, NULL, buffer_of(scratch, sizeof scratch), &accepted);
  server.proofs.nonce = NULL;
  server.replay = NULL;
  server.tokens = NULL;
  server.proof_keys = NULL;
  free((void *)(uintptr_t)bound.data);
  free((void *)(uintptr_t)proof.data);
  return code;
}

static int open_tables(shared *shared, const counterfoil_lock *lock, counterfoil_replay *replay) {
  return counterfoil_replay_open(buffer_of(shared->table, sizeof shared->table), lock, replay) == 0 &&
         counterfoil_token_cache_open(buffer_of(shared->tokens, sizeof shared->tokens), lock, &tokens) == 0 &&
         counterfoil_key_tables_open(buffer_of(shared->proof_keys, sizeof shared->proof_keys), lock, &proof_keys) == 0;
}

static void processes(void) {
  shared *shared = (struct shared *)mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  counterfoil_buffer memory = buffer_of(shared->table, sizeof shared->table);
  counterfoil_lock lock;
  counterfoil_replay replay;
  counterfoil_keys *keys = NULL;
  counterfoil_bytes set = data_file("embedded/jwks.json");
  pthread_mutexattr_t attributes;
  int status;
  lock.context = &shared->mutex;
  lock.acquire = acquire;
  lock.release = release;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  CHECK(pthread_mutex_init(&shared->mutex, &attributes) == 0);
  EXPECT(counterfoil_keys_new(COUNTERFOIL_FAPI, 8, 0, &keys), 0);
  EXPECT(counterfoil_keys_load(keys, set), 0);
  free((void *)(uintptr_t)set.data);
  issuer.keys = keys;
  CHECK(counterfoil_replay_size(ENTRIES) == sizeof shared->table);
  EXPECT(counterfoil_replay_format(memory, text("0123456789abcdef")), 0);
  EXPECT(counterfoil_token_cache_format(buffer_of(shared->tokens, sizeof shared->tokens), text("0123456789abcdef")), 0);
  EXPECT(counterfoil_key_tables_format(buffer_of(shared->proof_keys, sizeof shared->proof_keys), text("0123456789abcdef")), 0);
  EXPECT(counterfoil_key_tables_open(memory, &lock, &proof_keys), COUNTERFOIL_ERROR_LAYOUT_UNKNOWN);
  pid_t dying = fork();
  if (dying == 0) {
    int is_open = open_tables(shared, &lock, &replay);
    die_holding = is_open;
    present(&replay);
    _exit(1);
  }
  CHECK(waitpid(dying, &status, 0) == dying && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  for (int i = 0; i < 4; i++) {
    if (fork() == 0) {
      /* As a worker that was started anew: the table is there, and is not laid out again. */
      CHECK(open_tables(shared, &lock, &replay));
      counterfoil_code code = present(&replay);
      acquire(&shared->mutex);
      shared->accepted += code == 0;
      shared->refused += code == COUNTERFOIL_ERROR_PROOF_REPLAYED;
      shared->other += code != 0 && code != COUNTERFOIL_ERROR_PROOF_REPLAYED;
      release(&shared->mutex);
      _exit(failures);
    }
  }
  for (int i = 0; i < 4; i++) {
    CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  CHECK(shared->accepted == 1 && shared->refused == 3 && shared->other == 0);
  printf("processes: %lu accepted, %lu replayed\n", (unsigned long)shared->accepted, (unsigned long)shared->refused);
  counterfoil_keys_free(keys);
  munmap(shared, sizeof *shared);
}

/* shared DATA [ROUNDS] */
int main(int argc, char **argv) {
  data = argc > 1 ? argv[1] : "core/tests/data";
  rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000;
  token = data_file("paved/token.txt");
  certificate = data_file("paved/client.der");
  EXPECT(counterfoil_server_init(&server), 0);
  issuer.name = text("https://as.example");
  audience = text("https://api.example");
  server.issuers.items = &issuer;
  server.issuers.count = 1;
  server.audiences.items = &audience;
  server.audiences.count = 1;
  processes();
  threads();
  free((void *)(uintptr_t)token.data);
  free((void *)(uintptr_t)certificate.data);
  return report("shared", rounds);
}
