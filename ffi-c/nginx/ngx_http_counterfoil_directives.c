/* Directives that take more than one word. */

#include "ngx_http_counterfoil_directives.h"

#define NGX_HTTP_COUNTERFOIL_NONCE_STEP 60
#define NGX_HTTP_COUNTERFOIL_VALID 30
#define NGX_HTTP_COUNTERFOIL_JWKS_REFRESH 300

/* Whether a word is `name=…`; what stands behind it. */
static ngx_uint_t
ngx_http_counterfoil_parameter(ngx_str_t *word, const char *name, ngx_str_t *value)
{
    size_t length = ngx_strlen(name);

    if (word->len <= length || ngx_strncmp(word->data, name, length) != 0) {
        return 0;
    }
    value->data = word->data + length;
    value->len = word->len - length;
    return 1;
}

static ngx_array_t *
ngx_http_counterfoil_array(ngx_conf_t *cf, void *conf, ngx_command_t *cmd, size_t size)
{
    ngx_array_t **array = (ngx_array_t **) ((char *) conf + cmd->offset);

    if (*array == NGX_CONF_UNSET_PTR) {
        *array = ngx_array_create(cf->pool, 4, size);
    }
    return *array;
}

/* counterfoil_issuer ISSUER jwks_file=PATH | jwks_location=URI [refresh=TIME] */
char *
ngx_http_counterfoil_issuer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_array_t *issuers = ngx_http_counterfoil_array(cf, conf, cmd, sizeof(ngx_http_counterfoil_issuer_t *));
    ngx_http_counterfoil_issuer_t *issuer = ngx_pcalloc(cf->pool, sizeof(ngx_http_counterfoil_issuer_t));
    ngx_http_counterfoil_issuer_t **place;
    ngx_str_t *words = cf->args->elts;
    ngx_str_t time;
    ngx_uint_t i;

    if (issuers == NULL || issuer == NULL
        || ngx_array_init(&issuer->sets, cf->pool, 1, sizeof(ngx_http_counterfoil_keys_t *)) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }
    issuer->name = words[1];
    issuer->refresh = NGX_HTTP_COUNTERFOIL_JWKS_REFRESH;
    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_counterfoil_parameter(&words[i], "jwks_file=", &issuer->jwks_file)) {
            if (ngx_conf_full_name(cf->cycle, &issuer->jwks_file, 1) != NGX_OK) {
                return NGX_CONF_ERROR;
            }
        } else if (ngx_http_counterfoil_parameter(&words[i], "jwks_location=", &issuer->jwks_location)) {
            if (issuer->jwks_location.data[0] != '/') {
                return "needs a location that begins with \"/\"";
            }
        } else if (ngx_http_counterfoil_parameter(&words[i], "refresh=", &time)) {
            issuer->refresh = ngx_parse_time(&time, 1);
            if (issuer->refresh == (time_t) NGX_ERROR || issuer->refresh < 1) {
                return "has an invalid refresh time";
            }
        } else {
            return "has an unknown parameter";
        }
    }
    if ((issuer->jwks_file.len == 0) == (issuer->jwks_location.len == 0)) {
        return "needs one source of keys, jwks_file or jwks_location";
    }
    place = ngx_array_push(issuers);
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }
    *place = issuer;
    return NGX_CONF_OK;
}

char *
ngx_http_counterfoil_list(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_array_t *list = ngx_http_counterfoil_array(cf, conf, cmd, sizeof(counterfoil_bytes));
    ngx_str_t *words = cf->args->elts;
    counterfoil_bytes *item;
    ngx_uint_t i;

    for (i = 1; list != NULL && i < cf->args->nelts; i++) {
        item = ngx_array_push(list);
        if (item == NULL || words[i].len == 0) {
            return item == NULL ? NGX_CONF_ERROR : "has an empty value";
        }
        *item = (counterfoil_bytes) { words[i].data, words[i].len };
    }
    return list == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}

/* counterfoil_types TYPE… | none: `none` stands for tokens without `typ`. */
char *
ngx_http_counterfoil_types(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char *result = ngx_http_counterfoil_list(cf, cmd, conf);
    ngx_array_t *types = *(ngx_array_t **) ((char *) conf + cmd->offset);
    counterfoil_bytes *items;
    ngx_uint_t i;

    if (result != NGX_CONF_OK) {
        return result;
    }
    items = types->elts;
    for (i = 0; i < types->nelts; i++) {
        if (items[i].size == 4 && ngx_strncmp(items[i].data, "none", 4) == 0) {
            items[i] = (counterfoil_bytes) { NULL, 0 };
        }
    }
    return NGX_CONF_OK;
}

char *
ngx_http_counterfoil_algorithms(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    static const struct {
        ngx_str_t name;
        ngx_uint_t bit;
    } known[] = {
        { ngx_string("ES256"), COUNTERFOIL_ES256 }, { ngx_string("PS256"), COUNTERFOIL_PS256 },
        { ngx_string("EdDSA"), COUNTERFOIL_EDDSA }, { ngx_string("Ed25519"), COUNTERFOIL_ED25519 },
        { ngx_string("RS256"), COUNTERFOIL_RS256 },
    };
    ngx_uint_t *bits = (ngx_uint_t *) ((char *) conf + cmd->offset);
    ngx_str_t *words = cf->args->elts;
    ngx_uint_t i, k;

    if (*bits != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }
    *bits = 0;
    for (i = 1; i < cf->args->nelts; i++) {
        for (k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
            if (words[i].len == known[k].name.len && ngx_strncmp(words[i].data, known[k].name.data, words[i].len) == 0) {
                *bits |= known[k].bit;
                break;
            }
        }
        if (k == sizeof(known) / sizeof(known[0])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "there is no algorithm \"%V\"", &words[i]);
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}

/* counterfoil_origin https://HOST[:PORT]: scheme and authority, as clients write them. */
char *
ngx_http_counterfoil_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t *origin = (ngx_str_t *) ((char *) conf + cmd->offset);
    ngx_str_t *words = cf->args->elts;
    size_t scheme;

    if (origin->data != NULL) {
        return "is duplicate";
    }
    scheme = ngx_strncmp(words[1].data, "https://", 8) == 0 ? 8 : ngx_strncmp(words[1].data, "http://", 7) == 0 ? 7 : 0;
    if (scheme == 0 || words[1].len == scheme || strpbrk((char *) words[1].data + scheme, "/?#@\\ ") != NULL) {
        return "needs https://HOST[:PORT] and no path";
    }
    *origin = words[1];
    return NGX_CONF_OK;
}

/* counterfoil_dpop_window PAST AHEAD */
char *
ngx_http_counterfoil_window(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_counterfoil_loc_conf_t *own = conf;
    ngx_str_t *words = cf->args->elts;

    if (own->dpop_past != NGX_CONF_UNSET) {
        return "is duplicate";
    }
    own->dpop_past = ngx_parse_time(&words[1], 1);
    own->dpop_ahead = ngx_parse_time(&words[2], 1);
    if (own->dpop_past == (time_t) NGX_ERROR || own->dpop_ahead == (time_t) NGX_ERROR) {
        return "needs two times";
    }
    return NGX_CONF_OK;
}

static ngx_int_t
ngx_http_counterfoil_read_secret(ngx_conf_t *cf, ngx_str_t *name, u_char *secret, size_t size, size_t *length)
{
    ngx_fd_t fd;
    ssize_t n;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_ERROR;
    }
    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }
    n = ngx_read_fd(fd, secret, size);
    ngx_close_file(fd);
    if (n < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, ngx_read_fd_n " \"%V\" failed", name);
        return NGX_ERROR;
    }
    *length = n;
    return NGX_OK;
}

/* counterfoil_dpop_nonce off | secret_file=PATH [step=TIME] */
char *
ngx_http_counterfoil_nonce(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_counterfoil_loc_conf_t *own = conf;
    ngx_str_t *words = cf->args->elts;
    ngx_str_t file = ngx_null_string;
    ngx_str_t time;
    time_t step = NGX_HTTP_COUNTERFOIL_NONCE_STEP;
    u_char secret[1024];
    size_t size;
    counterfoil_code code;
    ngx_uint_t i;

    if (own->nonce != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }
    if (cf->args->nelts == 2 && ngx_strcmp(words[1].data, "off") == 0) {
        own->nonce = NULL;
        return NGX_CONF_OK;
    }
    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_counterfoil_parameter(&words[i], "step=", &time)) {
            step = ngx_parse_time(&time, 1);
            if (step == (time_t) NGX_ERROR || step < 1) {
                return "has an invalid step";
            }
        } else if (!ngx_http_counterfoil_parameter(&words[i], "secret_file=", &file)) {
            return "has an unknown parameter";
        }
    }
    if (file.len == 0) {
        return "needs \"off\" or secret_file=";
    }
    if (ngx_http_counterfoil_read_secret(cf, &file, secret, sizeof(secret), &size) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    own->nonce = ngx_pcalloc(cf->pool, sizeof(counterfoil_nonce_key));
    code = own->nonce == NULL ? COUNTERFOIL_ERROR_MEMORY_TOO_SMALL
                              : counterfoil_nonce_key_init((counterfoil_bytes) { secret, size }, step, own->nonce);
    ngx_explicit_memzero(secret, sizeof(secret));
    return code == COUNTERFOIL_OK ? NGX_CONF_OK : "needs a secret of at least 32 bytes and a step of at least one second";
}

static ngx_int_t
ngx_http_counterfoil_peer(ngx_conf_t *cf, ngx_array_t *peers, ngx_str_t *word)
{
    ngx_cidr_t *peer = ngx_array_push(peers);

    if (peer == NULL) {
        return NGX_ERROR;
    }
    ngx_memzero(peer, sizeof(ngx_cidr_t));
    if (ngx_strcmp(word->data, "unix:") == 0) {
        peer->family = AF_UNIX;
        return NGX_OK;
    }
    if (ngx_ptocidr(word, peer) == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is no address, network or \"unix:\"", word);
        return NGX_ERROR;
    }
    return NGX_OK;
}

/* counterfoil_certificate_header NAME pem | escaped_pem | client_cert PEER… */
char *
ngx_http_counterfoil_certificate_header(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_counterfoil_loc_conf_t *own = conf;
    ngx_http_counterfoil_certificate_t *certificate = ngx_pcalloc(cf->pool, sizeof(ngx_http_counterfoil_certificate_t));
    ngx_str_t *words = cf->args->elts;
    ngx_uint_t i;

    if (own->certificate != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }
    if (certificate == NULL || ngx_array_init(&certificate->peers, cf->pool, 2, sizeof(ngx_cidr_t)) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    if (cf->args->nelts < 4) {
        return "needs the peers that it is trusted from";
    }
    certificate->header = words[1];
    if (ngx_strcmp(words[2].data, "pem") == 0) {
        certificate->form = COUNTERFOIL_CERTIFICATE_PEM;
    } else if (ngx_strcmp(words[2].data, "escaped_pem") == 0) {
        certificate->form = COUNTERFOIL_CERTIFICATE_ESCAPED_PEM;
    } else if (ngx_strcmp(words[2].data, "client_cert") == 0) {
        certificate->form = COUNTERFOIL_CERTIFICATE_FIELD;
    } else {
        return "needs a form: pem, escaped_pem or client_cert";
    }
    ngx_strlow(certificate->header.data, certificate->header.data, certificate->header.len);
    for (i = 3; i < cf->args->nelts; i++) {
        if (ngx_http_counterfoil_peer(cf, &certificate->peers, &words[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }
    own->certificate = certificate;
    return NGX_CONF_OK;
}

/* counterfoil_split URI [valid=TIME], counterfoil_introspection URI [valid=TIME], or off */
char *
ngx_http_counterfoil_lookup_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_counterfoil_loc_conf_t *own = conf;
    ngx_http_counterfoil_lookup_t *lookup;
    ngx_str_t *words = cf->args->elts;
    ngx_str_t time;

    if (own->lookup != NGX_CONF_UNSET_PTR) {
        return "stands beside another lookup: a location has tickets or references, not both";
    }
    if (ngx_strcmp(words[1].data, "off") == 0) {
        own->lookup = NULL;
        return NGX_CONF_OK;
    }
    lookup = ngx_pcalloc(cf->pool, sizeof(ngx_http_counterfoil_lookup_t));
    if (lookup == NULL) {
        return NGX_CONF_ERROR;
    }
    if (words[1].len == 0 || words[1].data[0] != '/') {
        return "needs a location that begins with \"/\"";
    }
    lookup->location = words[1];
    lookup->form = cmd->name.len == sizeof("counterfoil_split") - 1 ? COUNTERFOIL_FORM_SPLIT : COUNTERFOIL_FORM_PHANTOM;
    lookup->valid = NGX_HTTP_COUNTERFOIL_VALID;
    if (cf->args->nelts == 3) {
        if (!ngx_http_counterfoil_parameter(&words[2], "valid=", &time)) {
            return "has an unknown parameter";
        }
        lookup->valid = ngx_parse_time(&time, 1);
        if (lookup->valid == (time_t) NGX_ERROR) {
            return "has an invalid time";
        }
    }
    own->lookup = lookup;
    return NGX_CONF_OK;
}

/* counterfoil_claim_header HEADER CLAIM */
char *
ngx_http_counterfoil_claim_header(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_array_t *headers = ngx_http_counterfoil_array(cf, conf, cmd, sizeof(ngx_http_counterfoil_claim_header_t));
    ngx_http_counterfoil_claim_header_t *header = headers == NULL ? NULL : ngx_array_push(headers);
    ngx_str_t *words = cf->args->elts;

    if (header == NULL) {
        return NGX_CONF_ERROR;
    }
    if (words[1].len == 0 || words[2].len == 0) {
        return "has an empty value";
    }
    header->header = words[1];
    header->claim = words[2];
    header->lowcase.len = words[1].len;
    header->lowcase.data = ngx_pnalloc(cf->pool, words[1].len);
    if (header->lowcase.data == NULL) {
        return NGX_CONF_ERROR;
    }
    header->hash = ngx_hash_strlow(header->lowcase.data, words[1].data, words[1].len);
    return NGX_CONF_OK;
}
