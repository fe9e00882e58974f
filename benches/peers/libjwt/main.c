/* C libjwt (Debian's libjwt-dev, 1.x, built with OpenSSL) over the shared corpus. It speaks the protocol of ../protocol.rs.
 *
 * The library's: decoding and the signature; version 1 takes a key as PEM text and reads it for each token. Ours: choosing the key
 * by kid, and all claims: iss, aud, exp, nbf, typ and cnf. It knows neither PS256 nor EdDSA nor a key in a header, and refuses every
 * typ but JWT, so it is given the same tokens with that one. */
#define _GNU_SOURCE
#include <jwt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef LIBJWT_VERSION
#define LIBJWT_VERSION "unknown"
#endif

enum { LEEWAY = 10 };

struct key { char *kid; jwt_alg_t alg; char *pem; };
struct judge { struct key *keys; size_t key_count; char *issuer; char *audience; char *thumbprint; };
struct judged { int accept; char *token; };
struct work { struct judge judge; struct judged *cases; size_t count; };
struct worker { pthread_t thread; const struct work *work; pthread_barrier_t *barrier; struct timespec start, end; };

static void die(const char *why)
{
	fprintf(stderr, "libjwt: %s\n", why);
	exit(1);
}

static void *grown(void *memory, size_t size)
{
	void *more = realloc(memory, size);
	if (more == NULL)
		die("no memory");
	return more;
}

static FILE *opened(const char *folder, const char *work, const char *ending)
{
	char path[4096];
	snprintf(path, sizeof path, *ending ? "%s/%s.%s" : "%s/%s", folder, work, ending);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		die(path);
	return file;
}

static char *line_of(FILE *file, char **line, size_t *room)
{
	ssize_t length = getline(line, room, file);
	if (length <= 0)
		return NULL;
	if ((*line)[length - 1] == '\n')
		(*line)[length - 1] = '\0';
	return *line;
}

static void read_parameters(struct judge *judge, const char *folder)
{
	FILE *file = opened(folder, "parameters", "");
	char *line = NULL, *value;
	size_t room = 0;
	while (line_of(file, &line, &room) != NULL) {
		if ((value = strchr(line, ' ')) == NULL)
			continue;
		*value++ = '\0';
		if (strcmp(line, "issuer") == 0)
			judge->issuer = strdup(value);
		else if (strcmp(line, "audience") == 0)
			judge->audience = strdup(value);
		else if (strcmp(line, "thumbprint") == 0)
			judge->thumbprint = strdup(value);
	}
	free(line);
	fclose(file);
}

static void read_keys(struct judge *judge, const char *folder, const char *work)
{
	FILE *file = opened(folder, work, "pem");
	char *line = NULL, *alg;
	size_t room = 0;
	while (line_of(file, &line, &room) != NULL) {
		if (strncmp(line, "-----", 5) != 0 && (alg = strchr(line, ' ')) != NULL) {
			*alg++ = '\0';
			judge->keys = grown(judge->keys, (judge->key_count + 1) * sizeof *judge->keys);
			judge->keys[judge->key_count++] = (struct key){ strdup(line), jwt_str_alg(alg), strdup("") };
			continue;
		}
		struct key *key = &judge->keys[judge->key_count - 1];
		key->pem = grown(key->pem, strlen(key->pem) + strlen(line) + 2);
		strcat(strcat(key->pem, line), "\n");
	}
	free(line);
	fclose(file);
}

static void read_cases(struct work *work, const char *folder, const char *name)
{
	FILE *file = opened(folder, name, "plain");
	char *line = NULL, *token;
	size_t room = 0;
	while (line_of(file, &line, &room) != NULL) {
		if ((token = strchr(line, ' ')) == NULL)
			die("no token");
		*token++ = '\0';
		work->cases = grown(work->cases, (work->count + 1) * sizeof *work->cases);
		work->cases[work->count++] = (struct judged){ strcmp(line, "accept") == 0, strdup(token) };
	}
	free(line);
	fclose(file);
}

static void drop(struct work *work)
{
	for (size_t i = 0; i < work->judge.key_count; i++) {
		free(work->judge.keys[i].kid);
		free(work->judge.keys[i].pem);
	}
	for (size_t i = 0; i < work->count; i++)
		free(work->cases[i].token);
	free(work->judge.keys);
	free(work->judge.issuer);
	free(work->judge.audience);
	free(work->judge.thumbprint);
	free(work->cases);
	*work = (struct work){ 0 };
}

static const struct key *key_named(const struct judge *judge, const char *kid)
{
	for (size_t i = 0; kid != NULL && i < judge->key_count; i++)
		if (strcmp(judge->keys[i].kid, kid) == 0)
			return &judge->keys[i];
	return NULL;
}

/* With one key, kid is compared after decoding; among several, the token is decoded without a key first to learn it. */
static const struct key *key_for(const struct judge *judge, const char *token)
{
	const struct key *key = NULL;
	jwt_t *jwt = NULL;
	if (judge->key_count == 1)
		return &judge->keys[0];
	if (jwt_decode(&jwt, token, NULL, 0) == 0)
		key = key_named(judge, jwt_get_header(jwt, "kid"));
	jwt_free(jwt);
	return key;
}

static int is(const char *value, const char *expected)
{
	return value != NULL && strcmp(value, expected) == 0;
}

/* The library returns what is no string as JSON text; whether that text holds the quoted value is all that we ask of it. */
static int holds(jwt_t *jwt, const char *grant, const char *value)
{
	char *json = jwt_get_grants_json(jwt, grant), quoted[512];
	snprintf(quoted, sizeof quoted, "\"%s\"", value);
	int found = json != NULL && strstr(json, quoted) != NULL;
	free(json);
	return found;
}

static int accepts(const struct judge *judge, const char *token)
{
	const struct key *key = key_for(judge, token);
	jwt_t *jwt = NULL;
	if (key == NULL)
		return 0;
	int is_good = 0;
	if (jwt_decode(&jwt, token, (const unsigned char *)key->pem, (int)strlen(key->pem)) == 0) {
		time_t now = time(NULL);
		is_good = jwt_get_alg(jwt) == key->alg && is(jwt_get_header(jwt, "kid"), key->kid) &&
			is(jwt_get_header(jwt, "typ"), "JWT") && is(jwt_get_grant(jwt, "iss"), judge->issuer) &&
			holds(jwt, "aud", judge->audience) && jwt_get_grant_int(jwt, "exp") > now - LEEWAY &&
			jwt_get_grant_int(jwt, "nbf") <= now + LEEWAY && holds(jwt, "cnf", judge->thumbprint);
	}
	jwt_free(jwt);
	return is_good;
}

static void pass(const struct work *work)
{
	for (size_t i = 0; i < work->count; i++)
		if (accepts(&work->judge, work->cases[i].token) != work->cases[i].accept) {
			fprintf(stderr, "libjwt: a verdict on %s\n", work->cases[i].token);
			exit(1);
		}
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	pass(worker->work);
	pthread_barrier_wait(worker->barrier);
	clock_gettime(CLOCK_MONOTONIC, &worker->start);
	pass(worker->work);
	clock_gettime(CLOCK_MONOTONIC, &worker->end);
	return NULL;
}

static double nanoseconds(struct timespec time)
{
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double timed(const struct work *work, int threads)
{
	struct worker *workers = grown(NULL, (size_t)threads * sizeof *workers);
	pthread_barrier_t barrier;
	pthread_barrier_init(&barrier, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++) {
		workers[i] = (struct worker){ .work = work, .barrier = &barrier };
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
			die("no thread");
	}
	double first = 0, last = 0;
	for (int i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		double start = nanoseconds(workers[i].start), end = nanoseconds(workers[i].end);
		first = i == 0 || start < first ? start : first;
		last = i == 0 || end > last ? end : last;
	}
	pthread_barrier_destroy(&barrier);
	free(workers);
	return last - first;
}

/* Why a work is not offered, or NULL. */
static const char *missing(const char *work)
{
	if (strcmp(work, "ps256") == 0)
		return "no PS256 in version 1";
	if (strcmp(work, "eddsa") == 0)
		return "no EdDSA in version 1";
	if (strcmp(work, "es256+dpop") == 0)
		return "no keys from headers";
	return strcmp(work, "first") == 0 ? "whole tokens only" : NULL;
}

int main(int count, char **arguments)
{
	struct work work = { 0 };
	char name[64], last[64] = "", *line = NULL;
	size_t room = 0;
	int threads;
	if (count != 2)
		die("usage: libjwt FOLDER");
	while (line_of(stdin, &line, &room) != NULL) {
		if (sscanf(line, "%63s %d", name, &threads) != 2)
			die("WORK THREADS");
		const char *why = missing(name);
		double nanoseconds = 0;
		if (why == NULL && strcmp(name, last) != 0) {
			drop(&work);
			read_parameters(&work.judge, arguments[1]);
			read_keys(&work.judge, arguments[1], name);
			read_cases(&work, arguments[1], name);
			strcpy(last, name);
		}
		if (why == NULL)
			nanoseconds = timed(&work, threads);
		/* Nothing is printed before every verdict was right. */
		printf("{\"peer\":\"libjwt\",\"version\":\"%s\",\"work\":\"%s\",\"threads\":%d,", LIBJWT_VERSION, name, threads);
		if (why != NULL) {
			printf("\"absent\":\"%s\"}\n", why);
		} else {
			size_t tokens = work.count * (size_t)threads;
			printf("\"tokens\":%zu,\"ns_per_token\":%.1f}\n", tokens, nanoseconds / (double)tokens);
		}
		fflush(stdout);
	}
	drop(&work);
	free(line);
	return 0;
}
