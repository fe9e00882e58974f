/* What a location accepts: its configuration, inherited, completed and judged when it is read. */

#include "ngx_http_counterfoil.h"

/* The least that is always there for challenge, nonce and body, as counterfoil.h says. */
#define NGX_HTTP_COUNTERFOIL_ANSWER 1024

static char *ngx_http_counterfoil_complete(ngx_conf_t *cf, ngx_http_counterfoil_loc_conf_t *conf);
static char *ngx_http_counterfoil_profile(ngx_conf_t *cf, ngx_http_counterfoil_loc_conf_t *conf);
static char *ngx_http_counterfoil_trust(ngx_conf_t *cf, ngx_http_counterfoil_loc_conf_t *conf);
static void ngx_http_counterfoil_fill(ngx_http_counterfoil_loc_conf_t *conf);

void *
ngx_http_counterfoil_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_counterfoil_main_conf_t));
}

void *
ngx_http_counterfoil_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_counterfoil_loc_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_counterfoil_loc_conf_t));

    if (conf == NULL) {
        return NULL;
    }
    conf->enable = NGX_CONF_UNSET;
    conf->issuers = NGX_CONF_UNSET_PTR;
    conf->audiences = NGX_CONF_UNSET_PTR;
    conf->scopes = NGX_CONF_UNSET_PTR;
    conf->acr_values = NGX_CONF_UNSET_PTR;
    conf->types = NGX_CONF_UNSET_PTR;
    conf->required_claims = NGX_CONF_UNSET_PTR;
    conf->profile = NGX_CONF_UNSET_UINT;
    conf->binding = NGX_CONF_UNSET_UINT;
    conf->algorithms = NGX_CONF_UNSET_UINT;
    conf->dpop_algorithms = NGX_CONF_UNSET_UINT;
    conf->leeway = NGX_CONF_UNSET;
    conf->max_age = NGX_CONF_UNSET;
    conf->dpop_past = NGX_CONF_UNSET;
    conf->dpop_ahead = NGX_CONF_UNSET;
    conf->max_token_size = NGX_CONF_UNSET_SIZE;
    conf->max_header_size = NGX_CONF_UNSET_SIZE;
    conf->max_proof_size = NGX_CONF_UNSET_SIZE;
    conf->key_table_size = NGX_CONF_UNSET_SIZE;
    conf->nonce = NGX_CONF_UNSET_PTR;
    conf->certificate = NGX_CONF_UNSET_PTR;
    conf->lookup = NGX_CONF_UNSET_PTR;
    conf->claim_headers = NGX_CONF_UNSET_PTR;
    conf->forward = NGX_CONF_UNSET_UINT;
    conf->pass_options = NGX_CONF_UNSET;
    conf->cache = NGX_CONF_UNSET;
    return conf;
}

char *
ngx_http_counterfoil_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_counterfoil_loc_conf_t *prev = parent;
    ngx_http_counterfoil_loc_conf_t *conf = child;

    ngx_conf_merge_value(conf->enable, prev->enable, 0);
    ngx_conf_merge_ptr_value(conf->issuers, prev->issuers, NULL);
    ngx_conf_merge_ptr_value(conf->audiences, prev->audiences, NULL);
    ngx_conf_merge_ptr_value(conf->scopes, prev->scopes, NULL);
    ngx_conf_merge_ptr_value(conf->acr_values, prev->acr_values, NULL);
    ngx_conf_merge_ptr_value(conf->types, prev->types, NULL);
    ngx_conf_merge_ptr_value(conf->required_claims, prev->required_claims, NULL);
    ngx_conf_merge_uint_value(conf->profile, prev->profile, NGX_HTTP_COUNTERFOIL_PROFILE_FAPI2);
    ngx_conf_merge_uint_value(conf->binding, prev->binding, COUNTERFOIL_BINDING_REQUIRED);
    ngx_conf_merge_uint_value(conf->algorithms, prev->algorithms, COUNTERFOIL_FAPI);
    ngx_conf_merge_uint_value(conf->dpop_algorithms, prev->dpop_algorithms, COUNTERFOIL_FAPI);
    ngx_conf_merge_str_value(conf->origin, prev->origin, "");
    ngx_conf_merge_str_value(conf->realm, prev->realm, "");
    ngx_conf_merge_sec_value(conf->leeway, prev->leeway, 10);
    if (conf->max_age == NGX_CONF_UNSET) {
        conf->max_age = prev->max_age;
    }
    ngx_conf_merge_sec_value(conf->dpop_past, prev->dpop_past, 300);
    ngx_conf_merge_sec_value(conf->dpop_ahead, prev->dpop_ahead, 10);
    ngx_conf_merge_size_value(conf->max_token_size, prev->max_token_size, 16384);
    ngx_conf_merge_size_value(conf->max_header_size, prev->max_header_size, 4096);
    ngx_conf_merge_size_value(conf->max_proof_size, prev->max_proof_size, 4096);
    ngx_conf_merge_size_value(conf->key_table_size, prev->key_table_size, 65536);
    ngx_conf_merge_ptr_value(conf->nonce, prev->nonce, NULL);
    ngx_conf_merge_ptr_value(conf->certificate, prev->certificate, NULL);
    ngx_conf_merge_ptr_value(conf->lookup, prev->lookup, NULL);
    ngx_conf_merge_ptr_value(conf->claim_headers, prev->claim_headers, NULL);
    ngx_conf_merge_uint_value(conf->forward, prev->forward, NGX_HTTP_COUNTERFOIL_FORWARD_JWT);
    ngx_conf_merge_value(conf->pass_options, prev->pass_options, 0);
    ngx_conf_merge_value(conf->cache, prev->cache, 1);

    return conf->enable ? ngx_http_counterfoil_complete(cf, conf) : NGX_CONF_OK;
}

static char *
ngx_http_counterfoil_fail(ngx_conf_t *cf, const char *why)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "counterfoil: %s", why);
    return NGX_CONF_ERROR;
}

/* A location that is switched on must protect something, or nginx does not start. */
static char *
ngx_http_counterfoil_complete(ngx_conf_t *cf, ngx_http_counterfoil_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t *core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    ngx_http_counterfoil_main_conf_t *main = ngx_http_conf_get_module_main_conf(cf, ngx_http_counterfoil_module);
    char *result = ngx_http_counterfoil_profile(cf, conf);
    counterfoil_code code;

    if (result != NGX_CONF_OK) {
        return result;
    }
    if (conf->issuers == NULL) {
        return ngx_http_counterfoil_fail(cf, "no issuer is trusted: counterfoil_issuer is missing");
    }
    if (conf->audiences == NULL) {
        return ngx_http_counterfoil_fail(cf, "this API has no name: counterfoil_audience is missing");
    }
    if (conf->origin.len == 0) {
        if (conf->binding != COUNTERFOIL_BINDING_MTLS) {
            return ngx_http_counterfoil_fail(cf, "DPoP proofs cannot be judged: counterfoil_origin is missing (or set counterfoil_binding mtls)");
        }
        ngx_str_set(&conf->origin, "https://origin.invalid");
    }
    if (conf->dpop_past > 86400 || conf->dpop_ahead > 3600 || conf->leeway > 3600) {
        return ngx_http_counterfoil_fail(cf, "a window of more than a day or a leeway of more than an hour protects nothing");
    }
    if (core->satisfy == NGX_HTTP_SATISFY_ANY) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "counterfoil: with \"satisfy any\" another module alone lets requests pass");
    }

    result = ngx_http_counterfoil_trust(cf, conf);
    if (result != NGX_CONF_OK) {
        return result;
    }
    ngx_http_counterfoil_fill(conf);
    code = counterfoil_server_judge(&conf->server);
    if (code != COUNTERFOIL_OK) {
        return ngx_http_counterfoil_fail(cf, counterfoil_error_slug(code));
    }
    /* These are opened with the zone, once the whole configuration has been read. */
    conf->server.replay = &main->replay;
    if (conf->cache) {
        conf->server.tokens = &main->tokens;
        conf->server.proof_keys = &main->proof_keys;
    }
    return NGX_CONF_OK;
}

static char *
ngx_http_counterfoil_profile(ngx_conf_t *cf, ngx_http_counterfoil_loc_conf_t *conf)
{
    if (conf->profile == NGX_HTTP_COUNTERFOIL_PROFILE_CUSTOM) {
        return conf->types != NULL ? NGX_CONF_OK : ngx_http_counterfoil_fail(cf, "the custom profile needs counterfoil_types");
    }
    if (conf->types != NULL || conf->required_claims != NULL) {
        return ngx_http_counterfoil_fail(cf, "counterfoil_types and counterfoil_claims belong to counterfoil_profile custom");
    }
    if (conf->profile == NGX_HTTP_COUNTERFOIL_PROFILE_FAPI2
        && (conf->binding == COUNTERFOIL_BINDING_OPTIONAL || ((conf->algorithms | conf->dpop_algorithms) & ~COUNTERFOIL_FAPI) != 0))
    {
        return ngx_http_counterfoil_fail(cf, "fapi2 permits neither unbound tokens nor RS256: choose another counterfoil_profile");
    }
    return NGX_CONF_OK;
}

static void
ngx_http_counterfoil_free_none(void *keys)
{
    counterfoil_keys_free(keys);
}

static char *
ngx_http_counterfoil_trust(ngx_conf_t *cf, ngx_http_counterfoil_loc_conf_t *conf)
{
    ngx_http_counterfoil_issuer_t **issuers = conf->issuers->elts;
    ngx_http_counterfoil_source_t *source;
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    ngx_uint_t i;

    conf->sources = ngx_array_create(cf->pool, conf->issuers->nelts, sizeof(ngx_http_counterfoil_source_t));
    conf->trusted = ngx_pcalloc(cf->pool, conf->issuers->nelts * sizeof(counterfoil_issuer));
    if (conf->sources == NULL || conf->trusted == NULL || cleanup == NULL
        || counterfoil_keys_new(conf->algorithms, 1, 0, &conf->no_keys) != COUNTERFOIL_OK)
    {
        return NGX_CONF_ERROR;
    }
    cleanup->handler = ngx_http_counterfoil_free_none;
    cleanup->data = conf->no_keys;
    for (i = 0; i < conf->issuers->nelts; i++) {
        source = ngx_array_push(conf->sources);
        if (source == NULL) {
            return NGX_CONF_ERROR;
        }
        source->issuer = issuers[i];
        source->set = ngx_http_counterfoil_keys(cf, issuers[i], conf->algorithms, conf->key_table_size);
        if (source->set == NULL) {
            return NGX_CONF_ERROR;
        }
        conf->trusted[i].name = (counterfoil_bytes) { issuers[i]->name.data, issuers[i]->name.len };
        conf->trusted[i].keys = source->set->keys;
    }
    return NGX_CONF_OK;
}

static counterfoil_list
ngx_http_counterfoil_as_list(ngx_http_counterfoil_loc_conf_t *conf, ngx_array_t *array, counterfoil_list otherwise)
{
    counterfoil_bytes *items;
    ngx_uint_t i;

    if (array == NULL) {
        return otherwise;
    }
    items = array->elts;
    for (i = 0; i < array->nelts; i++) {
        conf->answer_size += items[i].size + 1;
    }
    return (counterfoil_list) { items, array->nelts };
}

static void
ngx_http_counterfoil_fill(ngx_http_counterfoil_loc_conf_t *conf)
{
    static const counterfoil_list none = { NULL, 0 };
    counterfoil_server *server = &conf->server;

    counterfoil_server_init(server);
    conf->answer_size = NGX_HTTP_COUNTERFOIL_ANSWER + conf->realm.len;
    server->issuers = (counterfoil_issuers) { conf->trusted, conf->issuers->nelts };
    server->audiences = ngx_http_counterfoil_as_list(conf, conf->audiences, none);
    server->scopes = ngx_http_counterfoil_as_list(conf, conf->scopes, none);
    server->acr_values = ngx_http_counterfoil_as_list(conf, conf->acr_values, none);
    server->types = ngx_http_counterfoil_as_list(conf, conf->types, server->types);
    if (conf->profile == NGX_HTTP_COUNTERFOIL_PROFILE_CUSTOM) {
        server->required_claims = ngx_http_counterfoil_as_list(conf, conf->required_claims, none);
    }
    server->algorithms = (uint32_t) conf->algorithms;
    server->binding = (uint32_t) conf->binding;
    server->leeway = (uint64_t) conf->leeway;
    if (conf->max_age != NGX_CONF_UNSET) {
        server->max_age = (uint64_t) conf->max_age;
    }
    server->max_token_size = conf->max_token_size;
    server->max_header_size = conf->max_header_size;
    server->proofs.algorithms = (uint32_t) conf->dpop_algorithms;
    server->proofs.past = (uint64_t) conf->dpop_past;
    server->proofs.ahead = (uint64_t) conf->dpop_ahead;
    server->proofs.max_size = conf->max_proof_size;
    server->proofs.nonce = conf->nonce;
    if (conf->realm.len != 0) {
        server->realm = (counterfoil_bytes) { conf->realm.data, conf->realm.len };
    }
}
