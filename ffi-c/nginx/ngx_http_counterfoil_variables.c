/* Variables: claims of the accepted token, the code of the decision, and the key of a counterfoil. */

#include "ngx_http_counterfoil.h"

static ngx_int_t ngx_http_counterfoil_claim_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_counterfoil_code_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_counterfoil_key_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);

static const char ngx_http_counterfoil_claim_prefix[] = "counterfoil_claim_";

static ngx_http_variable_t ngx_http_counterfoil_variables[] = {
    { ngx_string("counterfoil_claim_"), NULL, ngx_http_counterfoil_claim_variable, 0,
      NGX_HTTP_VAR_PREFIX | NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("counterfoil_code"), NULL, ngx_http_counterfoil_code_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("counterfoil_key"), NULL, ngx_http_counterfoil_key_variable, COUNTERFOIL_ENCODING_BASE64URL,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("counterfoil_key_base64"), NULL, ngx_http_counterfoil_key_variable, COUNTERFOIL_ENCODING_BASE64,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("counterfoil_key_hex"), NULL, ngx_http_counterfoil_key_variable, COUNTERFOIL_ENCODING_HEX,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },
};

ngx_int_t
ngx_http_counterfoil_add_variables(ngx_conf_t *cf)
{
    size_t count = sizeof(ngx_http_counterfoil_variables) / sizeof(ngx_http_counterfoil_variables[0]);
    ngx_http_variable_t *own = ngx_http_counterfoil_variables;
    ngx_http_variable_t *variable;
    size_t i;

    for (i = 0; i < count; i++) {
        variable = ngx_http_add_variable(cf, &own[i].name, own[i].flags);
        if (variable == NULL) {
            return NGX_ERROR;
        }
        variable->get_handler = own[i].get_handler;
        variable->data = own[i].data;
    }
    return NGX_OK;
}

/*
 * The text of a claim that is a string, the JSON of any other. NGX_DECLINED where the token has none, or where its text has control
 * characters, with which it could add headers or lines of a log.
 */
ngx_int_t
ngx_http_counterfoil_claim(ngx_pool_t *pool, ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *name, ngx_str_t *value)
{
    counterfoil_bytes json;
    counterfoil_bytes text;
    counterfoil_buffer buffer;
    const u_char *at;
    size_t i;

    if (!ctx->judged || counterfoil_token_claim(&ctx->token, (counterfoil_bytes) { name->data, name->len }, &json) != COUNTERFOIL_OK) {
        return NGX_DECLINED;
    }
    text = json;
    if (json.size != 0 && *(const u_char *) json.data == '"') {
        buffer.size = json.size;
        buffer.data = ngx_pnalloc(pool, json.size);
        if (buffer.data == NULL || counterfoil_value_text(json, buffer, &text) != COUNTERFOIL_OK) {
            return NGX_ERROR;
        }
    }
    at = text.data;
    for (i = 0; i < text.size; i++) {
        if (at[i] < 0x20 || at[i] == 0x7f) {
            return NGX_DECLINED;
        }
    }
    value->data = (u_char *) text.data;
    value->len = text.size;
    return NGX_OK;
}

static ngx_int_t
ngx_http_counterfoil_give(ngx_http_variable_value_t *v, const void *data, size_t size)
{
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    v->data = (u_char *) data;
    v->len = size;
    return NGX_OK;
}

static ngx_int_t
ngx_http_counterfoil_claim_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_counterfoil_ctx_t *ctx = ngx_http_counterfoil_ctx(r);
    ngx_str_t name = *(ngx_str_t *) data;
    ngx_str_t value;
    ngx_int_t rc;

    name.data += sizeof(ngx_http_counterfoil_claim_prefix) - 1;
    name.len -= sizeof(ngx_http_counterfoil_claim_prefix) - 1;
    rc = ctx == NULL ? NGX_DECLINED : ngx_http_counterfoil_claim(r->pool, ctx, &name, &value);
    if (rc == NGX_OK) {
        return ngx_http_counterfoil_give(v, value.data, value.len);
    }
    v->not_found = 1;
    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}

static ngx_int_t
ngx_http_counterfoil_code_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_counterfoil_ctx_t *ctx = ngx_http_counterfoil_ctx(r);
    const char *slug;

    if (ctx == NULL || ctx->decided_by == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }
    slug = counterfoil_error_slug(ctx->code);
    return ngx_http_counterfoil_give(v, slug, ngx_strlen(slug));
}

static ngx_int_t
ngx_http_counterfoil_key_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_counterfoil_ctx_t *ctx = ngx_http_counterfoil_ctx(r);
    counterfoil_buffer buffer = { ngx_pnalloc(r->pool, 64), 64 };
    counterfoil_bytes key;

    if (buffer.data == NULL) {
        return NGX_ERROR;
    }
    if (ctx == NULL || ctx->text.data == NULL
        || counterfoil_ticket_key(ctx->text, (uint32_t) data, buffer, &key) != COUNTERFOIL_OK)
    {
        v->not_found = 1;
        return NGX_OK;
    }
    return ngx_http_counterfoil_give(v, key.data, key.size);
}
