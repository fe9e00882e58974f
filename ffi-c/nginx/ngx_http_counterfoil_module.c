/* The module: its directives, and where it takes part. */

#include "ngx_http_counterfoil.h"

#include "ngx_http_counterfoil_directives.h"

static ngx_int_t ngx_http_counterfoil_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_counterfoil_postconfiguration(ngx_conf_t *cf);

#define ANYWHERE NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF
#define MEMBER(name) NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_counterfoil_loc_conf_t, name)

static ngx_conf_enum_t ngx_http_counterfoil_profiles[] = {
    { ngx_string("fapi2"), NGX_HTTP_COUNTERFOIL_PROFILE_FAPI2 },
    { ngx_string("rfc9068"), NGX_HTTP_COUNTERFOIL_PROFILE_RFC9068 },
    { ngx_string("custom"), NGX_HTTP_COUNTERFOIL_PROFILE_CUSTOM },
    { ngx_null_string, 0 },
};

static ngx_conf_enum_t ngx_http_counterfoil_bindings[] = {
    { ngx_string("required"), COUNTERFOIL_BINDING_REQUIRED },
    { ngx_string("mtls"), COUNTERFOIL_BINDING_MTLS },
    { ngx_string("dpop"), COUNTERFOIL_BINDING_DPOP },
    { ngx_string("optional"), COUNTERFOIL_BINDING_OPTIONAL },
    { ngx_null_string, 0 },
};

static ngx_conf_enum_t ngx_http_counterfoil_forwards[] = {
    { ngx_string("jwt"), NGX_HTTP_COUNTERFOIL_FORWARD_JWT },
    { ngx_string("original"), NGX_HTTP_COUNTERFOIL_FORWARD_ORIGINAL },
    { ngx_string("none"), NGX_HTTP_COUNTERFOIL_FORWARD_NONE },
    { ngx_null_string, 0 },
};

ngx_command_t ngx_http_counterfoil_commands[] = {
    { ngx_string("counterfoil"), ANYWHERE | NGX_CONF_FLAG, ngx_conf_set_flag_slot, MEMBER(enable), NULL },
    { ngx_string("counterfoil_issuer"), ANYWHERE | NGX_CONF_2MORE, ngx_http_counterfoil_issuer, MEMBER(issuers), NULL },
    { ngx_string("counterfoil_audience"), ANYWHERE | NGX_CONF_1MORE, ngx_http_counterfoil_list, MEMBER(audiences), NULL },
    { ngx_string("counterfoil_profile"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_enum_slot, MEMBER(profile),
      ngx_http_counterfoil_profiles },
    { ngx_string("counterfoil_types"), ANYWHERE | NGX_CONF_1MORE, ngx_http_counterfoil_types, MEMBER(types), NULL },
    { ngx_string("counterfoil_claims"), ANYWHERE | NGX_CONF_1MORE, ngx_http_counterfoil_list, MEMBER(required_claims), NULL },
    { ngx_string("counterfoil_binding"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_enum_slot, MEMBER(binding),
      ngx_http_counterfoil_bindings },
    { ngx_string("counterfoil_algorithms"), ANYWHERE | NGX_CONF_1MORE, ngx_http_counterfoil_algorithms, MEMBER(algorithms), NULL },
    { ngx_string("counterfoil_scopes"), ANYWHERE | NGX_CONF_1MORE, ngx_http_counterfoil_list, MEMBER(scopes), NULL },
    { ngx_string("counterfoil_acr"), ANYWHERE | NGX_CONF_1MORE, ngx_http_counterfoil_list, MEMBER(acr_values), NULL },
    { ngx_string("counterfoil_max_age"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_sec_slot, MEMBER(max_age), NULL },
    { ngx_string("counterfoil_leeway"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_sec_slot, MEMBER(leeway), NULL },
    { ngx_string("counterfoil_max_token_size"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_size_slot, MEMBER(max_token_size), NULL },
    { ngx_string("counterfoil_max_header_size"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_size_slot, MEMBER(max_header_size), NULL },
    { ngx_string("counterfoil_key_table_size"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_size_slot, MEMBER(key_table_size), NULL },
    { ngx_string("counterfoil_origin"), ANYWHERE | NGX_CONF_TAKE1, ngx_http_counterfoil_origin, MEMBER(origin), NULL },
    { ngx_string("counterfoil_dpop_algorithms"), ANYWHERE | NGX_CONF_1MORE, ngx_http_counterfoil_algorithms,
      MEMBER(dpop_algorithms), NULL },
    { ngx_string("counterfoil_dpop_window"), ANYWHERE | NGX_CONF_TAKE2, ngx_http_counterfoil_window, MEMBER(dpop_past), NULL },
    { ngx_string("counterfoil_dpop_max_size"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_size_slot, MEMBER(max_proof_size), NULL },
    { ngx_string("counterfoil_dpop_nonce"), ANYWHERE | NGX_CONF_TAKE12, ngx_http_counterfoil_nonce, MEMBER(nonce), NULL },
    { ngx_string("counterfoil_certificate_header"), ANYWHERE | NGX_CONF_2MORE, ngx_http_counterfoil_certificate_header,
      MEMBER(certificate), NULL },
    { ngx_string("counterfoil_split"), ANYWHERE | NGX_CONF_TAKE12, ngx_http_counterfoil_lookup_slot, MEMBER(lookup), NULL },
    { ngx_string("counterfoil_introspection"), ANYWHERE | NGX_CONF_TAKE12, ngx_http_counterfoil_lookup_slot, MEMBER(lookup), NULL },
    { ngx_string("counterfoil_forward"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_enum_slot, MEMBER(forward),
      ngx_http_counterfoil_forwards },
    { ngx_string("counterfoil_claim_header"), ANYWHERE | NGX_CONF_TAKE2, ngx_http_counterfoil_claim_header, MEMBER(claim_headers),
      NULL },
    { ngx_string("counterfoil_realm"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_str_slot, MEMBER(realm), NULL },
    { ngx_string("counterfoil_pass_options"), ANYWHERE | NGX_CONF_FLAG, ngx_conf_set_flag_slot, MEMBER(pass_options), NULL },
    { ngx_string("counterfoil_token_cache"), ANYWHERE | NGX_CONF_FLAG, ngx_conf_set_flag_slot, MEMBER(cache), NULL },
    { ngx_string("counterfoil_zone"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1234, ngx_http_counterfoil_zone, NGX_HTTP_MAIN_CONF_OFFSET,
      0, NULL },
    ngx_null_command,
};

ngx_http_module_t ngx_http_counterfoil_module_ctx = {
    ngx_http_counterfoil_preconfiguration,
    ngx_http_counterfoil_postconfiguration,
    ngx_http_counterfoil_create_main_conf,
    NULL,
    NULL,
    NULL,
    ngx_http_counterfoil_create_loc_conf,
    ngx_http_counterfoil_merge_loc_conf,
};

ngx_module_t ngx_http_counterfoil_module = {
    NGX_MODULE_V1,
    &ngx_http_counterfoil_module_ctx,
    ngx_http_counterfoil_commands,
    NGX_HTTP_MODULE,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NGX_MODULE_V1_PADDING,
};

static ngx_int_t
ngx_http_counterfoil_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_counterfoil_add_variables(cf);
}

static ngx_int_t
ngx_http_counterfoil_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    ngx_http_handler_pt *handler = ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers);

    if (handler == NULL) {
        return NGX_ERROR;
    }
    *handler = ngx_http_counterfoil_access_handler;
    return ngx_http_counterfoil_add_zone(cf);
}
