/* ngx_http_counterfoil_module: only holders of a good access token reach the API behind this nginx. */

#ifndef NGX_HTTP_COUNTERFOIL_H
#define NGX_HTTP_COUNTERFOIL_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "counterfoil.h"

#define NGX_HTTP_COUNTERFOIL_PROFILE_FAPI2 0
#define NGX_HTTP_COUNTERFOIL_PROFILE_RFC9068 1
#define NGX_HTTP_COUNTERFOIL_PROFILE_CUSTOM 2

#define NGX_HTTP_COUNTERFOIL_FORWARD_JWT 0
#define NGX_HTTP_COUNTERFOIL_FORWARD_ORIGINAL 1
#define NGX_HTTP_COUNTERFOIL_FORWARD_NONE 2

/* An issuer's key set for one list of algorithms. */
typedef struct {
    ngx_uint_t algorithms;
    counterfoil_keys *keys;
    /* When a remote set was last fetched and last tried, by this worker. */
    time_t fetched;
    time_t tried;
    ngx_uint_t fetching;
} ngx_http_counterfoil_keys_t;

typedef struct {
    ngx_str_t name;
    ngx_str_t jwks_file;
    ngx_str_t jwks_location;
    time_t refresh;
    ngx_array_t sets; /* of ngx_http_counterfoil_keys_t * */
} ngx_http_counterfoil_issuer_t;

/* Where a key set comes from, as one location uses it. */
typedef struct {
    ngx_http_counterfoil_issuer_t *issuer;
    ngx_http_counterfoil_keys_t *set;
} ngx_http_counterfoil_source_t;

typedef struct {
    ngx_str_t location;
    uint32_t form;
    time_t valid;
} ngx_http_counterfoil_lookup_t;

typedef struct {
    ngx_str_t header;
    uint32_t form;
    ngx_array_t peers; /* of ngx_cidr_t */
} ngx_http_counterfoil_certificate_t;

typedef struct {
    ngx_str_t header;
    ngx_str_t lowcase;
    ngx_uint_t hash;
    ngx_str_t claim;
} ngx_http_counterfoil_claim_header_t;

typedef struct {
    size_t zone_size;
    ngx_uint_t replay_entries;
    ngx_uint_t token_entries;
    ngx_uint_t key_entries;
    ngx_shm_zone_t *zone;
    counterfoil_replay replay;
    counterfoil_token_cache tokens;
    counterfoil_key_tables proof_keys;
} ngx_http_counterfoil_main_conf_t;

typedef struct {
    ngx_flag_t enable;
    ngx_array_t *issuers;   /* of ngx_http_counterfoil_issuer_t * */
    ngx_array_t *audiences; /* of counterfoil_bytes, as all lists below */
    ngx_array_t *scopes;
    ngx_array_t *acr_values;
    ngx_array_t *types;
    ngx_array_t *required_claims;
    ngx_uint_t profile;
    ngx_uint_t binding;
    ngx_uint_t algorithms;
    ngx_uint_t dpop_algorithms;
    ngx_str_t origin;
    ngx_str_t realm;
    time_t leeway;
    time_t max_age;
    time_t dpop_past;
    time_t dpop_ahead;
    size_t max_token_size;
    size_t max_header_size;
    size_t max_proof_size;
    size_t key_table_size;
    counterfoil_nonce_key *nonce;
    ngx_http_counterfoil_certificate_t *certificate;
    ngx_http_counterfoil_lookup_t *lookup;
    ngx_array_t *claim_headers; /* of ngx_http_counterfoil_claim_header_t */
    ngx_uint_t forward;
    ngx_flag_t pass_options;
    ngx_flag_t cache;

    ngx_array_t *sources; /* of ngx_http_counterfoil_source_t, one for each issuer */
    size_t answer_size;
    counterfoil_issuer *trusted;
    counterfoil_keys *no_keys;
    counterfoil_server server;
} ngx_http_counterfoil_loc_conf_t;

/* What a subrequest brought back. */
typedef struct {
    ngx_uint_t status;
    ngx_str_t body;
    uint32_t form;
    time_t max_age;
} ngx_http_counterfoil_reply_t;

/* What is known of one main request; it outlives internal redirects. */
typedef struct {
    ngx_list_part_t sent;
    /* By which location the request was decided last, or NULL. */
    ngx_http_counterfoil_loc_conf_t *decided_by;
    counterfoil_code code;
    unsigned judged : 1;
    /* The proof is in the table of used proofs: another location judges it without asking for that again. */
    unsigned redeemed : 1;
    unsigned waiting : 1;
    unsigned answered : 1;
    unsigned stale : 1;
    unsigned cached : 1;
    /* The headers are no longer the client's. */
    unsigned forwarded : 1;

    ngx_http_counterfoil_source_t *fetching;
    /* Until when it waits for what another request fetches; 0 while it does not. */
    ngx_msec_t wait_until;
    ngx_http_counterfoil_reply_t reply;

    counterfoil_bytes authorization[2];
    counterfoil_bytes dpop[2];
    counterfoil_request asked;
    counterfoil_credential credential;
    counterfoil_bytes text;
    u_char lookup_key[32];
    counterfoil_lookup found;
    time_t found_max_age;
    counterfoil_token token;
} ngx_http_counterfoil_ctx_t;

extern ngx_module_t ngx_http_counterfoil_module;
extern ngx_http_module_t ngx_http_counterfoil_module_ctx;
extern ngx_command_t ngx_http_counterfoil_commands[];

/* conf: reading and judging the configuration. */
void *ngx_http_counterfoil_create_main_conf(ngx_conf_t *cf);
void *ngx_http_counterfoil_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_counterfoil_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);

/* keys: key sets from files and from internal locations. */
ngx_http_counterfoil_keys_t *ngx_http_counterfoil_keys(ngx_conf_t *cf, ngx_http_counterfoil_issuer_t *issuer,
    ngx_uint_t algorithms, size_t table_size);
ngx_int_t ngx_http_counterfoil_keys_due(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf, ngx_uint_t unknown);
void ngx_http_counterfoil_keys_arrived(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx);

/* access: the decision. */
ngx_int_t ngx_http_counterfoil_access_handler(ngx_http_request_t *r);
ngx_http_counterfoil_ctx_t *ngx_http_counterfoil_ctx(ngx_http_request_t *r);

/* request: what the engine must know of it. */
counterfoil_code ngx_http_counterfoil_read_request(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf);

/* lookup: subrequests, and what split and phantom tokens stand for. */
ngx_int_t ngx_http_counterfoil_lookup(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf, counterfoil_code *code);
void ngx_http_counterfoil_lookup_accepted(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf);
ngx_int_t ngx_http_counterfoil_ask(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *location,
    ngx_str_t *body);

/* headers: what goes to the API and back to the client. */
ngx_int_t ngx_http_counterfoil_forward(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf);
ngx_int_t ngx_http_counterfoil_refuse(ngx_http_request_t *r, ngx_http_counterfoil_ctx_t *ctx,
    ngx_http_counterfoil_loc_conf_t *conf);
ngx_int_t ngx_http_counterfoil_send_nonce(ngx_http_request_t *r, ngx_http_counterfoil_loc_conf_t *conf);
ngx_uint_t ngx_http_counterfoil_is_named(ngx_table_elt_t *header, ngx_str_t *lowcase);

/* variables. */
ngx_int_t ngx_http_counterfoil_add_variables(ngx_conf_t *cf);
ngx_int_t ngx_http_counterfoil_claim(ngx_pool_t *pool, ngx_http_counterfoil_ctx_t *ctx, ngx_str_t *name,
    ngx_str_t *value);

/* zone: memory that workers share. */
char *ngx_http_counterfoil_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_counterfoil_add_zone(ngx_conf_t *cf);
ngx_int_t ngx_http_counterfoil_recall(u_char key[32], ngx_pool_t *pool, ngx_str_t *value, time_t *fresh);
void ngx_http_counterfoil_remember(u_char key[32], ngx_str_t *value, time_t fresh, time_t expires);
void ngx_http_counterfoil_refresh(u_char key[32], time_t fresh);
void ngx_http_counterfoil_forget(u_char key[32]);
void ngx_http_counterfoil_hash(u_char key[32], const char *kind, ngx_str_t *scope, const void *text, size_t size);

#endif
