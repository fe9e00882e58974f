/* What goes on to the API, and what goes back to a client that is refused. */

#include "ngx_http_counterfoil.h"

static ngx_str_t ngx_http_counterfoil_authorization = ngx_string("authorization");
static ngx_str_t ngx_http_counterfoil_dpop = ngx_string("dpop");

static ngx_int_t ngx_http_counterfoil_bearer(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *value);
static ngx_int_t ngx_http_counterfoil_replace(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf, ngx_str_t *authorization);

/* Whether the API gets other credentials than the client sent. */
static ngx_uint_t
ngx_http_counterfoil_replaces(ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf)
{
    if (!ctx->judged || conf->forward == NGX_HTTP_COUNTERFOIL_FORWARD_ORIGINAL) {
        return ctx->forwarded;
    }
    return conf->forward == NGX_HTTP_COUNTERFOIL_FORWARD_NONE || conf->lookup != NULL || ctx->forwarded
        || counterfoil_credential_scheme(&ctx->credential) == COUNTERFOIL_SCHEME_DPOP;
}

/* Sets, replaces and strips request headers, as this location is configured. */
ngx_int_t
ngx_http_counterfoil_forward(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf)
{
    ngx_str_t authorization = ngx_null_string;

    if (!ngx_http_counterfoil_replaces(ctx, conf)) {
        if (conf->claim_headers == NULL && conf->certificate == NULL) {
            return NGX_OK;
        }
        return ngx_http_counterfoil_replace(r, ctx, conf, NULL);
    }
    /* Of a reference whose claims alone are known there is no token to forward. */
    if (conf->forward == NGX_HTTP_COUNTERFOIL_FORWARD_JWT && ctx->found.form != COUNTERFOIL_FORM_INTROSPECTED
        && ngx_http_counterfoil_bearer(r, ctx, &authorization) != NGX_OK)
    {
        return NGX_ERROR;
    }
    if (conf->forward == NGX_HTTP_COUNTERFOIL_FORWARD_ORIGINAL && ctx->asked.authorization.count == 1) {
        authorization.data = (u_char *) ctx->authorization[0].data;
        authorization.len = ctx->authorization[0].size;
    }
    return ngx_http_counterfoil_replace(r, ctx, conf, &authorization);
}

/* `Bearer` and the whole token, whatever the client presented. */
static ngx_int_t
ngx_http_counterfoil_bearer(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *value)
{
    static const char scheme[] = "Bearer ";
    counterfoil_bytes token = ctx->found.form == COUNTERFOIL_FORM_PHANTOM ? ctx->found.found : ctx->text;
    counterfoil_buffer rest;
    u_char *at;

    value->data = ngx_pnalloc(r->pool, sizeof(scheme) + ctx->found.found.size + ctx->text.size);
    if (value->data == NULL) {
        return NGX_ERROR;
    }
    at = ngx_cpymem(value->data, scheme, sizeof(scheme) - 1);
    if (ctx->found.form == COUNTERFOIL_FORM_SPLIT) {
        rest = (counterfoil_buffer) { at, ctx->found.found.size + 1 + ctx->text.size };
        if (counterfoil_token_join(ctx->found.found, ctx->text, rest, &token) != COUNTERFOIL_OK) {
            return NGX_ERROR;
        }
    } else {
        ngx_memcpy(at, token.data, token.size);
    }
    value->len = sizeof(scheme) - 1 + token.size;
    return NGX_OK;
}

static ngx_table_elt_t *
ngx_http_counterfoil_push(ngx_list_t *list, ngx_str_t key, ngx_str_t *lowcase, ngx_str_t value)
{
    ngx_table_elt_t *header = ngx_list_push(list);

    if (header != NULL) {
        ngx_memzero(header, sizeof(ngx_table_elt_t));
        header->key = key;
        header->lowcase_key = lowcase->data;
        header->hash = ngx_hash_key(lowcase->data, lowcase->len);
        header->value = value;
    }
    return header;
}

static ngx_uint_t
ngx_http_counterfoil_strips(ngx_http_counterfoil_loc_conf_t *conf, ngx_table_elt_t *header, ngx_uint_t credentials)
{
    ngx_http_counterfoil_claim_header_t *claims;
    ngx_uint_t i;

    if (credentials
        && (ngx_http_counterfoil_is_named(header, &ngx_http_counterfoil_authorization)
            || ngx_http_counterfoil_is_named(header, &ngx_http_counterfoil_dpop)))
    {
        return 1;
    }
    if (conf->certificate != NULL && ngx_http_counterfoil_is_named(header, &conf->certificate->header)) {
        return 1;
    }
    if (conf->claim_headers != NULL) {
        claims = conf->claim_headers->elts;
        for (i = 0; i < conf->claim_headers->nelts; i++) {
            if (ngx_http_counterfoil_is_named(header, &claims[i].lowcase)) {
                return 1;
            }
        }
    }
    return 0;
}

static ngx_int_t
ngx_http_counterfoil_push_claims(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf,
    ngx_list_t *list)
{
    ngx_http_counterfoil_claim_header_t *claims;
    ngx_str_t value;
    ngx_uint_t i;
    ngx_int_t rc;

    if (!ctx->judged || conf->claim_headers == NULL) {
        return NGX_OK;
    }
    claims = conf->claim_headers->elts;
    for (i = 0; i < conf->claim_headers->nelts; i++) {
        rc = ngx_http_counterfoil_claim(r->pool, ctx, &claims[i].claim, &value);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
        if (rc == NGX_OK && ngx_http_counterfoil_push(list, claims[i].header, &claims[i].lowcase, value) == NULL) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}

/* `$http_…` variables that were read before must not show what was stripped. */
static void
ngx_http_counterfoil_forget_variables(ngx_http_request_t *r)
{
    ngx_http_core_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    ngx_http_variable_t *variables = conf->variables.elts;
    ngx_uint_t i;

    for (i = 0; i < conf->variables.nelts; i++) {
        if (variables[i].name.len > 5 && ngx_strncmp(variables[i].name.data, "http_", 5) == 0) {
            r->variables[i].valid = 0;
            r->variables[i].not_found = 0;
        }
    }
}

/*
 * A new list: elements of a list cannot be taken out, and what points to the old ones stays good. `authorization` NULL: the client's
 * credentials stay; empty: there are none.
 */
static ngx_int_t
ngx_http_counterfoil_replace(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf,
    ngx_str_t *authorization)
{
    static ngx_str_t name = ngx_string("Authorization");
    static ngx_str_t proof_name = ngx_string("DPoP");
    ngx_list_part_t *part = &r->headers_in.headers.part;
    ngx_table_elt_t *header = part->elts;
    ngx_table_elt_t *copy;
    ngx_list_t list;
    ngx_str_t proof;
    ngx_uint_t i;

    if (ngx_list_init(&list, r->pool, 32, sizeof(ngx_table_elt_t)) != NGX_OK) {
        return NGX_ERROR;
    }
    for (i = 0; /* void */; i++) {
        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }
            part = part->next;
            header = part->elts;
            i = 0;
        }
        if (ngx_http_counterfoil_strips(conf, &header[i], authorization != NULL)) {
            continue;
        }
        copy = ngx_list_push(&list);
        if (copy == NULL) {
            return NGX_ERROR;
        }
        *copy = header[i];
    }

    if (authorization != NULL) {
        r->headers_in.authorization = NULL;
        if (authorization->len != 0) {
            r->headers_in.authorization =
                ngx_http_counterfoil_push(&list, name, &ngx_http_counterfoil_authorization, *authorization);
            if (r->headers_in.authorization == NULL) {
                return NGX_ERROR;
            }
        }
        if (conf->forward == NGX_HTTP_COUNTERFOIL_FORWARD_ORIGINAL && ctx->asked.dpop.count == 1) {
            proof.data = (u_char *) ctx->dpop[0].data;
            proof.len = ctx->dpop[0].size;
            if (ngx_http_counterfoil_push(&list, proof_name, &ngx_http_counterfoil_dpop, proof) == NULL) {
                return NGX_ERROR;
            }
        }
        ctx->forwarded = 1;
    }
    if (ngx_http_counterfoil_push_claims(r, ctx, conf, &list) != NGX_OK) {
        return NGX_ERROR;
    }
    r->headers_in.headers = list;
    if (list.last == &list.part) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }
    ngx_http_counterfoil_forget_variables(r);
    return NGX_OK;
}

static ngx_int_t
ngx_http_counterfoil_add_answer_header(ngx_http_request_t *r, const char *name, counterfoil_bytes value, ngx_table_elt_t **place)
{
    ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);

    if (header == NULL) {
        return NGX_ERROR;
    }
    ngx_memzero(header, sizeof(ngx_table_elt_t));
    header->hash = 1;
    header->key.data = (u_char *) name;
    header->key.len = ngx_strlen(name);
    header->value.data = (u_char *) value.data;
    header->value.len = value.size;
    if (place != NULL) {
        *place = header;
    }
    return NGX_OK;
}

/* The answer to what was refused: status, challenge, nonce and a small JSON body. */
ngx_int_t
ngx_http_counterfoil_refuse(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_http_counterfoil_loc_conf_t *conf)
{
    static ngx_str_t type = ngx_string("application/json");
    ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    ngx_http_complex_value_t body;
    counterfoil_buffer buffer = { ngx_pnalloc(r->pool, conf->answer_size), conf->answer_size };
    counterfoil_answer answer;

    if (buffer.data == NULL
        || counterfoil_request_answer(&conf->server, ctx->code, &ctx->credential, (uint64_t) ngx_time(), buffer, &answer)
            != COUNTERFOIL_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (answer.www_authenticate.data != NULL
        && ngx_http_counterfoil_add_answer_header(r, "WWW-Authenticate", answer.www_authenticate, &r->headers_out.www_authenticate)
            != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (answer.dpop_nonce.data != NULL
        && ngx_http_counterfoil_add_answer_header(r, "DPoP-Nonce", answer.dpop_nonce, NULL) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (core->satisfy == NGX_HTTP_SATISFY_ANY) {
        return answer.status;
    }

    ngx_memzero(&body, sizeof(ngx_http_complex_value_t));
    body.value.data = (u_char *) answer.body.data;
    body.value.len = answer.body.data == NULL ? 0 : answer.body.size;
    ngx_http_finalize_request(r, ngx_http_send_response(r, answer.status, &type, &body));
    return NGX_DONE;
}

/* RFC 9449 section 8.2: the nonce of this moment goes with every answer. */
ngx_int_t
ngx_http_counterfoil_send_nonce(ngx_http_request_t *r, ngx_http_counterfoil_loc_conf_t *conf)
{
    counterfoil_buffer buffer;
    counterfoil_bytes nonce;

    if (conf->nonce == NULL) {
        return NGX_OK;
    }
    buffer.size = 43;
    buffer.data = ngx_pnalloc(r->pool, buffer.size);
    if (buffer.data == NULL || counterfoil_request_nonce(&conf->server, (uint64_t) ngx_time(), buffer, &nonce) != COUNTERFOIL_OK) {
        return NGX_ERROR;
    }
    return ngx_http_counterfoil_add_answer_header(r, "DPoP-Nonce", nonce, NULL);
}
