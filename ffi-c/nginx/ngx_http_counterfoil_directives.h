/* Directives that take more than one word. */

#ifndef NGX_HTTP_COUNTERFOIL_DIRECTIVES_H
#define NGX_HTTP_COUNTERFOIL_DIRECTIVES_H

#include "ngx_http_counterfoil.h"

char *ngx_http_counterfoil_issuer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_list(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_types(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_algorithms(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_window(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_nonce(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_certificate_header(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_lookup_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_counterfoil_claim_header(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

#endif
