/* The decision: once for a main request and a location, however often nginx comes by. */

#include "ngx_http_counterfoil.h"

static ngx_http_counterfoil_ctx_t *ngx_http_counterfoil_new_ctx(ngx_http_request_t *r);
static void ngx_http_counterfoil_gone(void *data);
static ngx_int_t ngx_http_counterfoil_begin(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf);
static ngx_int_t ngx_http_counterfoil_go_on(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf);
static counterfoil_code ngx_http_counterfoil_judge(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf);
static ngx_int_t ngx_http_counterfoil_decide(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf, counterfoil_code code);

ngx_int_t
ngx_http_counterfoil_access_handler(ngx_http_request_t *r)
{
    ngx_http_counterfoil_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_counterfoil_module);
    ngx_http_counterfoil_ctx_t *ctx;

    if (!conf->enable) {
        return NGX_DECLINED;
    }
    ctx = ngx_http_counterfoil_ctx(r);
    if (ctx == NULL) {
        ctx = ngx_http_counterfoil_new_ctx(r);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    if (r->method == NGX_HTTP_OPTIONS && conf->pass_options) {
        return ngx_http_counterfoil_forward(r, ctx, conf) == NGX_OK ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (ctx->waiting) {
        if (!ctx->answered) {
            return NGX_AGAIN;
        }
        ctx->waiting = 0;
        if (ctx->fetching != NULL) {
            ctx->answered = 0;
            ngx_http_counterfoil_keys_arrived(r, ctx);
        }
        return ngx_http_counterfoil_go_on(r, ctx, conf);
    }
    if (ctx->decided_by == conf) {
        return ctx->code == COUNTERFOIL_OK ? NGX_OK : ngx_http_counterfoil_refuse(r, ctx, conf);
    }
    return ngx_http_counterfoil_begin(r, ctx, conf);
}

/* An internal redirect takes the contexts of all modules away; the pool's cleanups stay. */
ngx_http_counterfoil_ctx_t *
ngx_http_counterfoil_ctx(ngx_http_request_t *r)
{
    ngx_http_counterfoil_ctx_t *ctx = ngx_http_get_module_ctx(r->main, ngx_http_counterfoil_module);
    ngx_pool_cleanup_t *cleanup;

    if (ctx != NULL) {
        return ctx;
    }
    for (cleanup = r->main->pool->cleanup; cleanup != NULL; cleanup = cleanup->next) {
        if (cleanup->handler == ngx_http_counterfoil_gone) {
            ngx_http_set_ctx(r->main, cleanup->data, ngx_http_counterfoil_module);
            return cleanup->data;
        }
    }
    return NULL;
}

static ngx_http_counterfoil_ctx_t *
ngx_http_counterfoil_new_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->main->pool, sizeof(ngx_http_counterfoil_ctx_t));
    ngx_http_counterfoil_ctx_t *ctx;

    if (cleanup == NULL) {
        return NULL;
    }
    ctx = cleanup->data;
    ngx_memzero(ctx, sizeof(ngx_http_counterfoil_ctx_t));
    /* What the client sent: forwarding builds a list of its own. */
    ctx->sent = r->main->headers_in.headers.part;
    cleanup->handler = ngx_http_counterfoil_gone;
    ngx_http_set_ctx(r->main, ctx, ngx_http_counterfoil_module);
    return ctx;
}

/* A client that goes away while keys are fetched must not keep others from fetching them. */
static void
ngx_http_counterfoil_gone(void *data)
{
    ngx_http_counterfoil_ctx_t *ctx = data;

    if (ctx->fetching != NULL) {
        ctx->fetching->set->fetching = 0;
        if (ctx->fetching->set->fetched == 0) {
            ctx->fetching->set->tried = 0;
        }
    }
}

static ngx_int_t
ngx_http_counterfoil_begin(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf)
{
    counterfoil_code code;

    ctx->judged = ctx->stale = ctx->cached = 0;
    ngx_memzero(&ctx->found, sizeof(counterfoil_lookup));
    ngx_memzero(&ctx->credential, sizeof(counterfoil_credential));
    code = ngx_http_counterfoil_read_request(r, ctx, conf);
    if (code == COUNTERFOIL_OK) {
        code = counterfoil_request_credential(&ctx->asked, &ctx->credential);
    }
    if (code == COUNTERFOIL_OK) {
        code = counterfoil_credential_text(&ctx->credential, &ctx->text);
    }
    return code == COUNTERFOIL_OK ? ngx_http_counterfoil_go_on(r, ctx, conf) : ngx_http_counterfoil_decide(r, ctx, conf, code);
}

/* Keys, then the lookup, then the verdict; a subrequest of the first two leads back to here. */
static ngx_int_t
ngx_http_counterfoil_go_on(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf)
{
    counterfoil_code code;
    ngx_int_t rc;

    rc = ngx_http_counterfoil_keys_due(r, ctx, conf, 0);
    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }
    if (rc != NGX_OK) {
        return ngx_http_counterfoil_decide(r, ctx, conf, COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE);
    }

    if (conf->lookup != NULL && (ctx->answered || ctx->found.found.data == NULL)) {
        rc = ngx_http_counterfoil_lookup(r, ctx, conf, &code);
        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }
        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        if (code != COUNTERFOIL_OK) {
            return ngx_http_counterfoil_decide(r, ctx, conf, code);
        }
    }

    code = ngx_http_counterfoil_judge(r, ctx, conf);
    if (code == COUNTERFOIL_ERROR_KEY_UNKNOWN) {
        rc = ngx_http_counterfoil_keys_due(r, ctx, conf, 1);
        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }
    }
    return ngx_http_counterfoil_decide(r, ctx, conf, code);
}

/* A table for one proof: for a location that judges what another has already accepted and remembered. */
static counterfoil_code
ngx_http_counterfoil_own_table(ngx_http_request_t *r, counterfoil_replay *replay)
{
    static const u_char zeros[16];
    size_t size = counterfoil_replay_size(16);
    counterfoil_buffer memory = { ngx_palloc(r->pool, size), size };
    counterfoil_code code = counterfoil_replay_format(memory, (counterfoil_bytes) { zeros, sizeof(zeros) });

    return code != COUNTERFOIL_OK ? code : counterfoil_replay_open(memory, NULL, replay);
}

static counterfoil_code
ngx_http_counterfoil_judge(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf)
{
    counterfoil_server server = conf->server;
    counterfoil_replay own;
    counterfoil_buffer scratch;
    counterfoil_code code;

    /* As much as is ever decoded: the token or its halves, the proof, and a certificate that came in a header. */
    scratch.size = ctx->text.size + ctx->found.found.size + 64;
    if (ctx->asked.certificate_form > COUNTERFOIL_CERTIFICATE_DER) {
        scratch.size += 2 * ctx->asked.certificate.size;
    }
    if (ctx->asked.dpop.count != 0) {
        scratch.size += ctx->dpop[0].size;
    }
    scratch.data = ngx_palloc(r->pool, scratch.size);
    if (scratch.data == NULL) {
        return COUNTERFOIL_ERROR_MEMORY_TOO_SMALL;
    }
    if (ctx->redeemed) {
        code = ngx_http_counterfoil_own_table(r, &own);
        if (code != COUNTERFOIL_OK) {
            return code;
        }
        server.replay = &own;
    }
    code = counterfoil_request_judge(&server, &ctx->asked, &ctx->credential, conf->lookup == NULL ? NULL : &ctx->found, scratch,
                                     &ctx->token);
    ctx->judged = code == COUNTERFOIL_OK;
    return code;
}

static ngx_int_t
ngx_http_counterfoil_decide(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf,
    counterfoil_code code)
{
    ctx->decided_by = conf;
    ctx->wait_until = 0;
    ctx->code = code;
    if (code != COUNTERFOIL_OK) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "counterfoil: refused: %s", counterfoil_error_slug(code));
        return ngx_http_counterfoil_refuse(r, ctx, conf);
    }
    if (counterfoil_credential_scheme(&ctx->credential) == COUNTERFOIL_SCHEME_DPOP) {
        ctx->redeemed = 1;
    }
    if (conf->lookup != NULL) {
        ngx_http_counterfoil_lookup_accepted(r, ctx, conf);
    }
    if (ngx_http_counterfoil_forward(r, ctx, conf) != NGX_OK || ngx_http_counterfoil_send_nonce(r, conf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return NGX_OK;
}
