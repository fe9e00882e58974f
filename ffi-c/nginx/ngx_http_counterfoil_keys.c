/* Key sets: from a file when the configuration is read, or from an internal location when they are needed. */

#include "ngx_http_counterfoil.h"

/* Seconds between two fetches of one set, whatever clients send; shorter while there are no keys at all. */
#define NGX_HTTP_COUNTERFOIL_PAUSE 30
#define NGX_HTTP_COUNTERFOIL_PAUSE_WITHOUT 1
/* How long keys that could not be fetched again are trusted. */
#define NGX_HTTP_COUNTERFOIL_LAST_GOOD (24 * 60 * 60)
#define NGX_HTTP_COUNTERFOIL_JWKS_SIZE (1024 * 1024)
/* Milliseconds: how long a request waits for keys that another one fetches, and how often it looks. */
#define NGX_HTTP_COUNTERFOIL_WAIT 5000
#define NGX_HTTP_COUNTERFOIL_LOOK 20

static void
ngx_http_counterfoil_free_keys(void *keys)
{
    counterfoil_keys_free(keys);
}

static void
ngx_http_counterfoil_log_refused(ngx_log_t *log, ngx_http_counterfoil_issuer_t *issuer, counterfoil_keys *keys)
{
    counterfoil_code code;
    size_t index;
    size_t i;

    for (i = 0; counterfoil_keys_refused(keys, i, &index, &code) == COUNTERFOIL_OK; i++) {
        ngx_log_error(NGX_LOG_WARN, log, 0, "counterfoil: key %uz of issuer \"%V\" is left out: %s", index, &issuer->name,
                      counterfoil_error_slug(code));
    }
}

static ngx_int_t
ngx_http_counterfoil_load(ngx_log_t *log, ngx_http_counterfoil_issuer_t *issuer, counterfoil_keys *keys, ngx_str_t *jwks)
{
    counterfoil_code code = counterfoil_keys_load(keys, (counterfoil_bytes) { jwks->data, jwks->len });

    if (code != COUNTERFOIL_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "counterfoil: the key set of issuer \"%V\" is refused: %s", &issuer->name,
                      counterfoil_error_slug(code));
        return NGX_ERROR;
    }
    ngx_http_counterfoil_log_refused(log, issuer, keys);
    return NGX_OK;
}

static ngx_int_t
ngx_http_counterfoil_read_file(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    ngx_file_t file;
    ngx_file_info_t info;
    ssize_t read = NGX_ERROR;

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.name = *name;
    file.log = cf->log;
    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }
    if (ngx_fd_info(file.fd, &info) != NGX_FILE_ERROR && ngx_file_size(&info) > 0
        && ngx_file_size(&info) <= NGX_HTTP_COUNTERFOIL_JWKS_SIZE)
    {
        text->len = ngx_file_size(&info);
        text->data = ngx_pnalloc(cf->temp_pool, text->len);
        read = text->data == NULL ? NGX_ERROR : ngx_read_file(&file, text->data, text->len, 0);
    }
    ngx_close_file(file.fd);
    if (read == NGX_ERROR || (size_t) read != text->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" cannot be read, is empty or larger than 1 MiB", name);
        return NGX_ERROR;
    }
    return NGX_OK;
}

/* The issuer's set for these algorithms, one for all locations that ask for the same. */
ngx_http_counterfoil_keys_t *
ngx_http_counterfoil_keys(ngx_conf_t *cf, ngx_http_counterfoil_issuer_t *issuer, ngx_uint_t algorithms, size_t table_size)
{
    ngx_http_counterfoil_keys_t **sets = issuer->sets.elts;
    ngx_http_counterfoil_keys_t **place;
    ngx_http_counterfoil_keys_t *set;
    ngx_pool_cleanup_t *cleanup;
    ngx_str_t jwks;
    ngx_uint_t i;

    for (i = 0; i < issuer->sets.nelts; i++) {
        if (sets[i]->algorithms == algorithms) {
            return sets[i];
        }
    }

    set = ngx_pcalloc(cf->pool, sizeof(ngx_http_counterfoil_keys_t));
    cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    place = ngx_array_push(&issuer->sets);
    if (set == NULL || cleanup == NULL || place == NULL
        || counterfoil_keys_new(algorithms, COUNTERFOIL_MAX_KEYS, table_size, &set->keys) != COUNTERFOIL_OK)
    {
        return NULL;
    }
    cleanup->handler = ngx_http_counterfoil_free_keys;
    cleanup->data = set->keys;
    set->algorithms = algorithms;
    *place = set;

    if (issuer->jwks_file.len != 0
        && (ngx_http_counterfoil_read_file(cf, &issuer->jwks_file, &jwks) != NGX_OK
            || ngx_http_counterfoil_load(cf->log, issuer, set->keys, &jwks) != NGX_OK))
    {
        return NULL;
    }
    return set;
}

static ngx_uint_t
ngx_http_counterfoil_is_due(ngx_http_counterfoil_source_t *source, ngx_uint_t unknown)
{
    ngx_http_counterfoil_keys_t *set = source->set;
    time_t pause = set->fetched == 0 ? NGX_HTTP_COUNTERFOIL_PAUSE_WITHOUT : NGX_HTTP_COUNTERFOIL_PAUSE;

    if (source->issuer->jwks_location.len == 0 || set->fetching || (set->tried != 0 && ngx_time() - set->tried < pause)) {
        return 0;
    }
    return unknown || set->fetched == 0 || ngx_time() - set->fetched >= source->issuer->refresh;
}

/* Takes over what another worker, or the one before a reload, fetched. */
static ngx_uint_t
ngx_http_counterfoil_share(ngx_http_request_t *r, ngx_http_counterfoil_source_t *source)
{
    u_char key[32];
    ngx_str_t jwks;
    time_t fetched;

    ngx_http_counterfoil_hash(key, "jwks", &source->issuer->name, source->issuer->jwks_location.data,
                              source->issuer->jwks_location.len);
    if (ngx_http_counterfoil_recall(key, r->pool, &jwks, &fetched) != NGX_OK || fetched <= source->set->fetched
        || ngx_http_counterfoil_load(r->connection->log, source->issuer, source->set->keys, &jwks) != NGX_OK)
    {
        return 0;
    }
    source->set->fetched = fetched;
    return 1;
}

/* The time to look again has come, or something else has happened to the connection. */
static void
ngx_http_counterfoil_look_again(ngx_http_request_t *r)
{
    ngx_event_t *write = r->connection->write;

    if (write->delayed) {
        if (ngx_handle_write_event(write, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }
        return;
    }
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}

/* Lets a request wait for what another one fetches; NGX_DECLINED when it has waited long enough. */
static ngx_int_t
ngx_http_counterfoil_wait(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx)
{
    if (ctx->wait_until == 0) {
        ctx->wait_until = ngx_current_msec + NGX_HTTP_COUNTERFOIL_WAIT;
    }
    if ((ngx_msec_int_t) (ctx->wait_until - ngx_current_msec) <= 0) {
        return NGX_DECLINED;
    }
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_counterfoil_look_again;
    r->connection->write->delayed = 1;
    ngx_add_timer(r->connection->write, NGX_HTTP_COUNTERFOIL_LOOK);
    return NGX_AGAIN;
}

/* NGX_OK when the keys are what they can be, NGX_AGAIN while they are fetched. */
ngx_int_t
ngx_http_counterfoil_keys_due(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf,
    ngx_uint_t unknown)
{
    ngx_http_counterfoil_source_t *source = conf->sources->elts;
    ngx_uint_t i;

    for (i = 0; i < conf->sources->nelts; i++) {
        ngx_http_counterfoil_keys_t *set = source[i].set;
        ngx_int_t rc;

        if (source[i].issuer->jwks_location.len == 0) {
            continue;
        }
        if (set->fetching && (unknown || set->fetched == 0)) {
            rc = ngx_http_counterfoil_wait(r, ctx);
            if (rc != NGX_DECLINED) {
                return rc;
            }
        }
        if (ngx_http_counterfoil_is_due(&source[i], unknown)
            && (!ngx_http_counterfoil_share(r, &source[i]) || ngx_http_counterfoil_is_due(&source[i], 0)))
        {
            if (ngx_http_counterfoil_ask(r, ctx, &source[i].issuer->jwks_location, NULL) != NGX_OK) {
                return NGX_ERROR;
            }
            set->fetching = 1;
            set->tried = ngx_time();
            ctx->fetching = &source[i];
            return NGX_AGAIN;
        }
        /* Tokens of an issuer without keys are answered 503; those of others go on. */
        conf->trusted[i].keys = ngx_time() - set->fetched > NGX_HTTP_COUNTERFOIL_LAST_GOOD ? conf->no_keys : set->keys;
    }
    return NGX_OK;
}

void
ngx_http_counterfoil_keys_arrived(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx)
{
    ngx_http_counterfoil_source_t *source = ctx->fetching;
    u_char key[32];

    ctx->fetching = NULL;
    source->set->fetching = 0;
    if (ctx->reply.status != NGX_HTTP_OK || ctx->reply.body.len == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "counterfoil: \"%V\" answered %ui instead of the keys of issuer \"%V\"",
                      &source->issuer->jwks_location, ctx->reply.status, &source->issuer->name);
        return;
    }
    if (ngx_http_counterfoil_load(r->connection->log, source->issuer, source->set->keys, &ctx->reply.body) != NGX_OK) {
        return;
    }
    source->set->fetched = ngx_time();
    ngx_http_counterfoil_hash(key, "jwks", &source->issuer->name, source->issuer->jwks_location.data,
                              source->issuer->jwks_location.len);
    ngx_http_counterfoil_remember(key, &ctx->reply.body, source->set->fetched, source->set->fetched + NGX_HTTP_COUNTERFOIL_LAST_GOOD);
}
