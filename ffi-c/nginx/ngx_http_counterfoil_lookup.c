/* What is asked of internal locations by subrequests that stay in memory: counterfoils, phantom tokens, key sets. */

#include "ngx_http_counterfoil.h"

/* Seconds for which a lookup that is down is not asked again about what is remembered. */
#define NGX_HTTP_COUNTERFOIL_DOWN 1
/* The longest answer. */
#define NGX_HTTP_COUNTERFOIL_ROOM 65536
/* nginx has no name for 410. */
#define NGX_HTTP_COUNTERFOIL_GONE 410

static ngx_int_t ngx_http_counterfoil_answered(ngx_http_request_t *r, void *data, ngx_int_t rc);
static ngx_int_t ngx_http_counterfoil_make_room(ngx_http_request_t *sr);
static ngx_int_t ngx_http_counterfoil_own_headers(ngx_http_request_t *sr, ngx_str_t *body);
static ngx_int_t ngx_http_counterfoil_collect(ngx_http_request_t *sr, ngx_http_counterfoil_reply_t *reply);
static counterfoil_code ngx_http_counterfoil_judge_reply(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_lookup_t *lookup);

/* Starts a subrequest: GET, or POST of a form. The client's headers and body stay where they are. */
ngx_int_t
ngx_http_counterfoil_ask(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *location, ngx_str_t *body)
{
    static ngx_str_t post = ngx_string("POST");
    ngx_http_post_subrequest_t *then = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    ngx_http_request_t *sr;

    if (then == NULL) {
        return NGX_ERROR;
    }
    then->handler = ngx_http_counterfoil_answered;
    then->data = ctx;
    if (ngx_http_subrequest(r, location, NULL, &sr, then, NGX_HTTP_SUBREQUEST_IN_MEMORY | NGX_HTTP_SUBREQUEST_WAITED) != NGX_OK
        || ngx_http_counterfoil_own_headers(sr, body) != NGX_OK || ngx_http_counterfoil_make_room(sr) != NGX_OK)
    {
        return NGX_ERROR;
    }
    if (body != NULL) {
        sr->method = NGX_HTTP_POST;
        sr->method_name = post;
    }
    ngx_memzero(&ctx->reply, sizeof(ngx_http_counterfoil_reply_t));
    ctx->waiting = 1;
    ctx->answered = 0;
    return NGX_OK;
}

/* For the answer: `subrequest_output_buffer_size` is one page by default, and tokens may be longer. */
static ngx_int_t
ngx_http_counterfoil_make_room(ngx_http_request_t *sr)
{
    ngx_buf_t *buf = ngx_create_temp_buf(sr->pool, NGX_HTTP_COUNTERFOIL_ROOM);

    sr->out = ngx_alloc_chain_link(sr->pool);
    if (buf == NULL || sr->out == NULL) {
        return NGX_ERROR;
    }
    buf->last_buf = 1;
    sr->out->buf = buf;
    sr->out->next = NULL;
    return NGX_OK;
}

static ngx_int_t
ngx_http_counterfoil_add_header(ngx_list_t *headers, const char *name, const char *lowcase, const char *value)
{
    ngx_table_elt_t *header = ngx_list_push(headers);

    if (header == NULL) {
        return NGX_ERROR;
    }
    ngx_memzero(header, sizeof(ngx_table_elt_t));
    header->key.data = (u_char *) name;
    header->key.len = ngx_strlen(name);
    header->lowcase_key = (u_char *) lowcase;
    header->hash = ngx_hash_key(header->lowcase_key, header->key.len);
    header->value.data = (u_char *) value;
    header->value.len = ngx_strlen(value);
    return NGX_OK;
}

/* The service that is asked learns nothing of the client, and its credential neither. */
static ngx_int_t
ngx_http_counterfoil_own_headers(ngx_http_request_t *sr, ngx_str_t *body)
{
    ngx_http_headers_in_t *in = &sr->headers_in;
    ngx_chain_t *chain;
    ngx_buf_t *buf;
    off_t length = body == NULL ? 0 : (off_t) body->len;
    ngx_str_t server = in->server;

    ngx_memzero(in, sizeof(ngx_http_headers_in_t));
    in->server = server;
    in->content_length_n = body == NULL ? -1 : length;
    in->keep_alive_n = -1;
    sr->request_body = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    if (sr->request_body == NULL || ngx_list_init(&in->headers, sr->pool, 4, sizeof(ngx_table_elt_t)) != NGX_OK) {
        return NGX_ERROR;
    }
    if (body == NULL) {
        return ngx_http_counterfoil_add_header(&in->headers, "Accept", "accept", "*/*");
    }

    chain = ngx_alloc_chain_link(sr->pool);
    buf = ngx_calloc_buf(sr->pool);
    if (chain == NULL || buf == NULL) {
        return NGX_ERROR;
    }
    buf->pos = buf->start = body->data;
    buf->last = buf->end = body->data + body->len;
    buf->memory = 1;
    buf->last_buf = 1;
    chain->buf = buf;
    chain->next = NULL;
    sr->request_body->bufs = chain;
    sr->request_body->buf = buf;
    if (ngx_http_counterfoil_add_header(&in->headers, "Accept", "accept", "application/jwt") != NGX_OK) {
        return NGX_ERROR;
    }
    return ngx_http_counterfoil_add_header(&in->headers, "Content-Type", "content-type", "application/x-www-form-urlencoded");
}

static ngx_int_t
ngx_http_counterfoil_answered(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    ngx_http_counterfoil_ctx_t *ctx = data;
    ngx_http_counterfoil_reply_t *reply = &ctx->reply;

    /* `log_subrequest` with `$request_body` must not write the token. */
    sr->request_body = NULL;
    ctx->answered = 1;
    reply->status = sr->headers_out.status;
    if (rc == NGX_ERROR || rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        reply->status = rc == NGX_ERROR ? NGX_HTTP_BAD_GATEWAY : (ngx_uint_t) rc;
    }
    if (reply->status == NGX_HTTP_OK && ngx_http_counterfoil_collect(sr, reply) != NGX_OK) {
        reply->status = NGX_HTTP_BAD_GATEWAY;
    }
    /* Whatever became of it, the main request goes on and is answered. */
    return NGX_OK;
}

/* What an introspection endpoint answered with: the token itself, or its claims (RFC 7662). */
static uint32_t
ngx_http_counterfoil_form_of(ngx_str_t *type)
{
    static const char jwt[] = "application/jwt";
    static const char json[] = "application/json";

    if (type->len >= sizeof(jwt) - 1 && ngx_strncasecmp(type->data, (u_char *) jwt, sizeof(jwt) - 1) == 0) {
        return COUNTERFOIL_FORM_PHANTOM;
    }
    if (type->len >= sizeof(json) - 1 && ngx_strncasecmp(type->data, (u_char *) json, sizeof(json) - 1) == 0) {
        return COUNTERFOIL_FORM_INTROSPECTED;
    }
    return COUNTERFOIL_FORM_WHOLE;
}

/* The body, copied: an upstream's buffers are gone when the main request goes on. */
static ngx_int_t
ngx_http_counterfoil_collect(ngx_http_request_t *sr, ngx_http_counterfoil_reply_t *reply)
{
    ngx_list_part_t *part = &sr->headers_out.headers.part;
    ngx_table_elt_t *header = part->elts;
    ngx_chain_t *cl;
    ngx_uint_t i;
    u_char *at;

    for (cl = sr->out; cl != NULL; cl = cl->next) {
        if (cl->buf->in_file || cl->buf->last < cl->buf->pos) {
            return NGX_ERROR;
        }
        reply->body.len += cl->buf->last - cl->buf->pos;
    }
    if (sr->headers_out.content_length_n >= 0 && sr->headers_out.content_length_n != (off_t) reply->body.len) {
        return NGX_ERROR;
    }
    reply->body.data = at = ngx_pnalloc(sr->pool, reply->body.len + 1);
    if (at == NULL) {
        return NGX_ERROR;
    }
    for (cl = sr->out; cl != NULL; cl = cl->next) {
        at = ngx_cpymem(at, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }
    reply->form = ngx_http_counterfoil_form_of(&sr->headers_out.content_type);

    reply->max_age = NGX_MAX_INT32_VALUE;
    for (i = 0; /* void */; i++) {
        static const char name[] = "Cache-Control";
        u_char *age;

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }
            part = part->next;
            header = part->elts;
            i = 0;
        }
        if (header[i].hash == 0 || header[i].key.len != sizeof(name) - 1
            || ngx_strncasecmp(header[i].key.data, (u_char *) name, sizeof(name) - 1) != 0)
        {
            continue;
        }
        age = ngx_strlcasestrn(header[i].value.data, header[i].value.data + header[i].value.len, (u_char *) "max-age=", 8 - 1);
        if (age != NULL) {
            u_char *digits = age + 8;
            u_char *end = digits;

            while (end < header[i].value.data + header[i].value.len && *end >= '0' && *end <= '9') {
                end++;
            }
            reply->max_age = ngx_max(ngx_atotm(digits, end - digits), 0);
        }
        if (ngx_strlcasestrn(header[i].value.data, header[i].value.data + header[i].value.len, (u_char *) "no-store", 8 - 1) != NULL) {
            reply->max_age = 0;
        }
    }
    return NGX_OK;
}

static ngx_int_t
ngx_http_counterfoil_form(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *body)
{
    u_char *text = (u_char *) ctx->text.data;
    size_t escapes = ngx_escape_uri(NULL, text, ctx->text.size, NGX_ESCAPE_URI_COMPONENT);
    u_char *at;

    body->len = sizeof("token=") - 1 + ctx->text.size + 2 * escapes;
    body->data = ngx_pnalloc(r->pool, body->len);
    if (body->data == NULL) {
        return NGX_ERROR;
    }
    at = ngx_cpymem(body->data, "token=", sizeof("token=") - 1);
    if (escapes == 0) {
        ngx_memcpy(at, text, ctx->text.size);
    } else {
        ngx_escape_uri(at, text, ctx->text.size, NGX_ESCAPE_URI_COMPONENT);
    }
    return NGX_OK;
}

/* NGX_OK with what was found or with a code, NGX_AGAIN while it is asked for. */
ngx_int_t
ngx_http_counterfoil_lookup(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf,
    counterfoil_code *code)
{
    ngx_http_counterfoil_lookup_t *lookup = conf->lookup;
    u_char key[32];
    counterfoil_bytes written;
    ngx_str_t value;
    ngx_str_t body;
    time_t fresh;
    ngx_int_t rc;

    if (ctx->answered) {
        ctx->answered = 0;
        *code = ngx_http_counterfoil_judge_reply(r, ctx, lookup);
        return NGX_OK;
    }

    *code = COUNTERFOIL_OK;
    if (lookup->form == COUNTERFOIL_FORM_SPLIT) {
        *code = counterfoil_ticket_key(ctx->text, COUNTERFOIL_ENCODING_RAW, (counterfoil_buffer) { key, sizeof(key) }, &written);
        if (*code != COUNTERFOIL_OK) {
            return NGX_OK;
        }
    }
    ngx_http_counterfoil_hash(ctx->lookup_key, "token", &lookup->location, ctx->text.data, ctx->text.size);
    rc = ngx_http_counterfoil_recall(ctx->lookup_key, r->pool, &value, &fresh);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }
    if (rc == NGX_OK && value.len != 0) {
        /* The first octet says what it is. */
        ctx->found.form = value.data[0];
        ctx->found.found = (counterfoil_bytes) { value.data + 1, value.len - 1 };
        ctx->cached = 1;
        if (fresh > ngx_time()) {
            return NGX_OK;
        }
        ctx->stale = 1;
    }
    if (lookup->form == COUNTERFOIL_FORM_SPLIT) {
        rc = ngx_http_counterfoil_ask(r, ctx, &lookup->location, NULL);
    } else {
        rc = ngx_http_counterfoil_form(r, ctx, &body);
        rc = rc == NGX_OK ? ngx_http_counterfoil_ask(r, ctx, &lookup->location, &body) : rc;
    }
    return rc == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}

static counterfoil_code
ngx_http_counterfoil_judge_reply(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_lookup_t *lookup)
{
    ngx_http_counterfoil_reply_t *reply = &ctx->reply;
    ngx_uint_t split = lookup->form == COUNTERFOIL_FORM_SPLIT;

    if (reply->status == NGX_HTTP_OK && (split || reply->form != COUNTERFOIL_FORM_WHOLE)) {
        ctx->found.found = (counterfoil_bytes) { reply->body.data, reply->body.len };
        ctx->found.form = split ? COUNTERFOIL_FORM_SPLIT : reply->form;
        /* A counterfoil never changes; for how long to believe that it is not revoked, `valid` says alone. */
        ctx->found_max_age = split ? NGX_MAX_INT32_VALUE : reply->max_age;
        ctx->cached = ctx->stale = 0;
        return COUNTERFOIL_OK;
    }
    if (split && reply->status == NGX_HTTP_COUNTERFOIL_GONE) {
        ngx_http_counterfoil_forget(ctx->lookup_key);
        return COUNTERFOIL_ERROR_TOKEN_REVOKED;
    }
    if (reply->status == (split ? NGX_HTTP_NOT_FOUND : NGX_HTTP_NO_CONTENT)) {
        ngx_http_counterfoil_forget(ctx->lookup_key);
        return split ? COUNTERFOIL_ERROR_TICKET_UNKNOWN : COUNTERFOIL_ERROR_TOKEN_INACTIVE;
    }
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "counterfoil: \"%V\" answered %ui%s", &lookup->location, reply->status,
                  reply->status == NGX_HTTP_OK ? " without what was asked for" : "");
    if (ctx->stale) {
        ngx_http_counterfoil_refresh(ctx->lookup_key, ngx_time() + NGX_HTTP_COUNTERFOIL_DOWN);
        return COUNTERFOIL_OK;
    }
    return COUNTERFOIL_ERROR_LOOKUP_UNAVAILABLE;
}

/* Remembers what was found, once the token has been accepted, and never beyond its `exp`. */
void
ngx_http_counterfoil_lookup_accepted(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf)
{
    ngx_str_t value;
    time_t valid;
    uint64_t expires;

    if (ctx->cached || counterfoil_token_expires_at(&ctx->token, &expires) != COUNTERFOIL_OK || expires <= (uint64_t) ngx_time()) {
        return;
    }
    valid = ngx_min(conf->lookup->valid, ctx->found_max_age);
    if (valid <= 0) {
        return;
    }
    value.len = ctx->found.found.size + 1;
    value.data = ngx_pnalloc(r->pool, value.len);
    if (value.data != NULL) {
        value.data[0] = (u_char) ctx->found.form;
        ngx_memcpy(value.data + 1, ctx->found.found.data, ctx->found.found.size);
        ngx_http_counterfoil_remember(ctx->lookup_key, &value, ngx_time() + valid, (time_t) ngx_min(expires, (uint64_t) 1 << 40));
    }
}
