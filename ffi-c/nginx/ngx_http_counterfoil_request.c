/* What the engine must know of a request: its URL as the client sees it, credentials, proofs and the client's certificate. */

#include "ngx_http_counterfoil.h"

static ngx_uint_t ngx_http_counterfoil_collect_headers(ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *lowcase, counterfoil_bytes values[2]);
static counterfoil_code ngx_http_counterfoil_certificate(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf);

static ngx_str_t ngx_http_counterfoil_authorization = ngx_string("authorization");
static ngx_str_t ngx_http_counterfoil_dpop = ngx_string("dpop");

static counterfoil_bytes
ngx_http_counterfoil_bytes(ngx_str_t *text)
{
    return (counterfoil_bytes) { text->data, text->len };
}

counterfoil_code
ngx_http_counterfoil_read_request(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf)
{
    counterfoil_request *asked = &ctx->asked;
    u_char *url = ngx_pnalloc(r->pool, conf->origin.len + r->unparsed_uri.len + 1);

    if (url == NULL) {
        return COUNTERFOIL_ERROR_MEMORY_TOO_SMALL;
    }
    /* The request target as it was sent: the proof's maker knows no other. */
    ngx_memcpy(ngx_cpymem(url, conf->origin.data, conf->origin.len), r->unparsed_uri.data, r->unparsed_uri.len);

    ngx_memzero(asked, sizeof(counterfoil_request));
    asked->method = ngx_http_counterfoil_bytes(&r->method_name);
    asked->url = (counterfoil_bytes) { url, conf->origin.len + r->unparsed_uri.len };
    asked->authorization.items = ctx->authorization;
    asked->authorization.count =
        ngx_http_counterfoil_collect_headers(ctx, &ngx_http_counterfoil_authorization, ctx->authorization);
    asked->dpop.items = ctx->dpop;
    asked->dpop.count = ngx_http_counterfoil_collect_headers(ctx, &ngx_http_counterfoil_dpop, ctx->dpop);
    asked->now = (uint64_t) ngx_time();
    return ngx_http_counterfoil_certificate(r, ctx, conf);
}

/* `-` and `_` are one in a name: what an API behind a CGI-like interface cannot tell apart must not slip past. */
ngx_uint_t
ngx_http_counterfoil_is_named(ngx_table_elt_t *header, ngx_str_t *lowcase)
{
    size_t i;

    if (header->key.len != lowcase->len) {
        return 0;
    }
    for (i = 0; i < lowcase->len; i++) {
        u_char own = ngx_tolower(header->key.data[i]);

        if ((own == '_' ? '-' : own) != (lowcase->data[i] == '_' ? '-' : lowcase->data[i])) {
            return 0;
        }
    }
    return 1;
}

/* How many headers have this name; the values of the first two, which is one too many already. */
static ngx_uint_t
ngx_http_counterfoil_collect_headers(ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *lowcase, counterfoil_bytes values[2])
{
    ngx_list_part_t *part = &ctx->sent;
    ngx_table_elt_t *header = part->elts;
    ngx_uint_t count = 0;
    ngx_uint_t i;

    for (i = 0; count < 2; i++) {
        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }
            part = part->next;
            header = part->elts;
            i = 0;
        }
        if (ngx_http_counterfoil_is_named(&header[i], lowcase)) {
            values[count++] = ngx_http_counterfoil_bytes(&header[i].value);
        }
    }
    return count;
}

/* The address that the connection comes from, also where the realip module has put another in its place. */
static ngx_uint_t
ngx_http_counterfoil_is_peer(ngx_http_request_t *r, ngx_array_t *peers)
{
    static ngx_str_t name = ngx_string("realip_remote_addr");
    struct sockaddr *address = r->connection->sockaddr;
    ngx_http_variable_value_t *value;
    ngx_addr_t parsed;

    if (address->sa_family != AF_UNIX) {
        value = ngx_http_get_variable(r, &name, ngx_hash_key(name.data, name.len));
        if (value != NULL && value->valid && !value->not_found
            && ngx_parse_addr(r->pool, &parsed, value->data, value->len) == NGX_OK)
        {
            address = parsed.sockaddr;
        }
    }
    return ngx_cidr_match(address, peers) == NGX_OK;
}

static counterfoil_code
ngx_http_counterfoil_forwarded(ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_certificate_t *conf)
{
    counterfoil_bytes values[2];
    ngx_uint_t count = ngx_http_counterfoil_collect_headers(ctx, &conf->header, values);

    if (count > 1) {
        return COUNTERFOIL_ERROR_CERTIFICATE_REPEATED;
    }
    if (count == 1) {
        ctx->asked.certificate_form = conf->form;
        ctx->asked.certificate = values[0];
    }
    return COUNTERFOIL_OK;
}

/*
 * Of a configured peer the header alone counts, for the certificate of the connection is the peer's own; of anybody else the connection
 * alone, read anew for each request, as a resumed session brings it.
 */
static counterfoil_code
ngx_http_counterfoil_certificate(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf)
{
#if (NGX_HTTP_SSL)
    X509 *certificate;
    u_char *der;
    u_char *at;
    int size;
#endif

    if (conf->certificate != NULL && ngx_http_counterfoil_is_peer(r, &conf->certificate->peers)) {
        return ngx_http_counterfoil_forwarded(ctx, conf->certificate);
    }

#if (NGX_HTTP_SSL)
    if (r->connection->ssl == NULL) {
        return COUNTERFOIL_OK;
    }
    certificate = SSL_get_peer_certificate(r->connection->ssl->connection);
    if (certificate == NULL) {
        return COUNTERFOIL_OK;
    }
    size = i2d_X509(certificate, NULL);
    der = size > 0 ? ngx_pnalloc(r->pool, size) : NULL;
    at = der;
    size = der != NULL ? i2d_X509(certificate, &at) : -1;
    X509_free(certificate);
    if (size <= 0) {
        return COUNTERFOIL_ERROR_CERTIFICATE_MALFORMED;
    }
    ctx->asked.certificate_form = COUNTERFOIL_CERTIFICATE_DER;
    ctx->asked.certificate = (counterfoil_bytes) { der, size };
#endif
    return COUNTERFOIL_OK;
}
