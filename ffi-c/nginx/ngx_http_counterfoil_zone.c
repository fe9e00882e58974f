/* Memory that the workers share and that survives a reload: used proofs, good tokens, keys of proofs, and what was looked up. */

#include "ngx_http_counterfoil.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

typedef struct {
    ngx_rbtree_t tree;
    ngx_rbtree_node_t sentinel;
    ngx_queue_t queue; /* most recently used first */
    u_char *replay;
    size_t replay_size;
    u_char *tokens;
    size_t tokens_size;
    u_char *keys;
    size_t keys_size;
} ngx_http_counterfoil_shared_t;

typedef struct {
    ngx_rbtree_node_t node;
    ngx_queue_t queue;
    u_char key[32];
    time_t fresh;
    time_t expires;
    size_t size;
    u_char value[1];
} ngx_http_counterfoil_entry_t;

static ngx_int_t ngx_http_counterfoil_init_zone(ngx_shm_zone_t *zone, void *old);
static ngx_int_t ngx_http_counterfoil_open(ngx_http_counterfoil_main_conf_t *conf, ngx_slab_pool_t *pool,
    ngx_http_counterfoil_shared_t *shared);
static void ngx_http_counterfoil_insert(ngx_rbtree_node_t *at, ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_http_counterfoil_entry_t *ngx_http_counterfoil_find(ngx_http_counterfoil_shared_t *shared, u_char key[32]);
static void ngx_http_counterfoil_drop(ngx_slab_pool_t *pool, ngx_http_counterfoil_shared_t *shared,
    ngx_http_counterfoil_entry_t *entry);

/* The tables of this process, whose handles are the same in all workers. */
static ngx_slab_pool_t *ngx_http_counterfoil_pool;

static ngx_str_t ngx_http_counterfoil_zone_name = ngx_string("counterfoil");

/* counterfoil_zone SIZE [replay=PROOFS] [tokens=TOKENS] [keys=KEYS] */
char *
ngx_http_counterfoil_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_counterfoil_main_conf_t *own = conf;
    ngx_str_t *words = cf->args->elts;
    ngx_uint_t i;
    ssize_t size = ngx_parse_size(&words[1]);

    if (own->zone_size != 0) {
        return "is duplicate";
    }
    if (size == NGX_ERROR || size < (ssize_t) (8 * ngx_pagesize)) {
        return "needs a size of at least 8 pages";
    }
    own->zone_size = size;

    for (i = 2; i < cf->args->nelts; i++) {
        ngx_uint_t *entries;
        ngx_int_t number;
        size_t name = 7;

        if (ngx_strncmp(words[i].data, "replay=", 7) == 0) {
            entries = &own->replay_entries;
        } else if (ngx_strncmp(words[i].data, "tokens=", 7) == 0) {
            entries = &own->token_entries;
        } else if (ngx_strncmp(words[i].data, "keys=", 5) == 0) {
            entries = &own->key_entries;
            name = 5;
        } else {
            return "has an unknown parameter";
        }
        number = ngx_atoi(words[i].data + name, words[i].len - name);
        if (number < 16 || number > 100000000) {
            return "needs 16 to 100000000 entries";
        }
        *entries = number;
    }
    return NGX_CONF_OK;
}

/* How many entries fit into so much memory. */
static ngx_uint_t
ngx_http_counterfoil_fitting(size_t memory, size_t (*size)(size_t entries))
{
    size_t fixed = size(0);
    size_t each = (size(1024) - fixed) / 1024;

    return memory > fixed ? ngx_max((memory - fixed) / each, 16) : 16;
}

ngx_int_t
ngx_http_counterfoil_add_zone(ngx_conf_t *cf)
{
    ngx_http_counterfoil_main_conf_t *conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_counterfoil_module);
    size_t tables;

    if (conf->zone_size == 0) {
        conf->zone_size = 16 * 1024 * 1024;
    }
    if (conf->replay_entries == 0) {
        conf->replay_entries = ngx_http_counterfoil_fitting(conf->zone_size / 4, counterfoil_replay_size);
    }
    if (conf->token_entries == 0) {
        conf->token_entries = ngx_http_counterfoil_fitting(conf->zone_size / 4, counterfoil_token_cache_size);
    }
    if (conf->key_entries == 0) {
        conf->key_entries = ngx_http_counterfoil_fitting(conf->zone_size / 8, counterfoil_key_tables_size);
    }
    tables = counterfoil_replay_size(conf->replay_entries) + counterfoil_token_cache_size(conf->token_entries)
        + counterfoil_key_tables_size(conf->key_entries);
    if (tables > conf->zone_size / 10 * 9) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "counterfoil_zone: the tables take %uz of %uz bytes; a tenth must be left", tables,
                           conf->zone_size);
        return NGX_ERROR;
    }

    conf->zone = ngx_shared_memory_add(cf, &ngx_http_counterfoil_zone_name, conf->zone_size, &ngx_http_counterfoil_module);
    if (conf->zone == NULL) {
        return NGX_ERROR;
    }
    conf->zone->init = ngx_http_counterfoil_init_zone;
    conf->zone->data = conf;
    return NGX_OK;
}

static ngx_int_t
ngx_http_counterfoil_table(ngx_slab_pool_t *pool, size_t size, u_char **table,
    counterfoil_code (*format)(counterfoil_buffer memory, counterfoil_bytes random))
{
    u_char random[16];

    *table = ngx_slab_alloc(pool, size);
    if (*table == NULL || RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }
    return format((counterfoil_buffer) { *table, size }, (counterfoil_bytes) { random, sizeof(random) }) == COUNTERFOIL_OK ? NGX_OK
                                                                                                                          : NGX_ERROR;
}

static ngx_int_t
ngx_http_counterfoil_init_zone(ngx_shm_zone_t *zone, void *old)
{
    ngx_http_counterfoil_main_conf_t *conf = zone->data;
    ngx_slab_pool_t *pool = (ngx_slab_pool_t *) zone->shm.addr;
    ngx_http_counterfoil_shared_t *shared = pool->data;

    if (old != NULL || zone->shm.exists) {
        return ngx_http_counterfoil_open(conf, pool, shared);
    }

    /* A full cache makes room for itself and is nothing to log. */
    pool->log_nomem = 0;

    shared = ngx_slab_calloc(pool, sizeof(ngx_http_counterfoil_shared_t));
    if (shared == NULL) {
        return NGX_ERROR;
    }
    ngx_rbtree_init(&shared->tree, &shared->sentinel, ngx_http_counterfoil_insert);
    ngx_queue_init(&shared->queue);
    shared->replay_size = counterfoil_replay_size(conf->replay_entries);
    shared->tokens_size = counterfoil_token_cache_size(conf->token_entries);
    shared->keys_size = counterfoil_key_tables_size(conf->key_entries);
    if (ngx_http_counterfoil_table(pool, shared->replay_size, &shared->replay, counterfoil_replay_format) != NGX_OK
        || ngx_http_counterfoil_table(pool, shared->tokens_size, &shared->tokens, counterfoil_token_cache_format) != NGX_OK
        || ngx_http_counterfoil_table(pool, shared->keys_size, &shared->keys, counterfoil_key_tables_format) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0, "counterfoil_zone: the tables cannot be laid out");
        return NGX_ERROR;
    }
    pool->data = shared;
    return ngx_http_counterfoil_open(conf, pool, shared);
}

/* The master gives the mutex of a zone back for a worker that dies with it: no other lock has that. */
static int32_t
ngx_http_counterfoil_lock(void *context)
{
    ngx_shmtx_lock(context);
    return 0;
}

static void
ngx_http_counterfoil_unlock(void *context)
{
    ngx_shmtx_unlock(context);
}

static ngx_int_t
ngx_http_counterfoil_open(ngx_http_counterfoil_main_conf_t *conf, ngx_slab_pool_t *pool, ngx_http_counterfoil_shared_t *shared)
{
    counterfoil_lock lock = { &pool->mutex, ngx_http_counterfoil_lock, ngx_http_counterfoil_unlock };
    counterfoil_buffer replay = { shared->replay, shared->replay_size };
    counterfoil_buffer tokens = { shared->tokens, shared->tokens_size };
    counterfoil_buffer keys = { shared->keys, shared->keys_size };

    if (counterfoil_replay_open(replay, &lock, &conf->replay) != COUNTERFOIL_OK
        || counterfoil_token_cache_open(tokens, &lock, &conf->tokens) != COUNTERFOIL_OK
        || counterfoil_key_tables_open(keys, &lock, &conf->proof_keys) != COUNTERFOIL_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, conf->zone->shm.log, 0, "counterfoil_zone: its tables are another version's; restart nginx");
        return NGX_ERROR;
    }
    ngx_http_counterfoil_pool = pool;
    return NGX_OK;
}

void
ngx_http_counterfoil_hash(u_char key[32], const char *kind, ngx_str_t *scope, const void *text, size_t size)
{
    SHA256_CTX hash;

    SHA256_Init(&hash);
    SHA256_Update(&hash, kind, ngx_strlen(kind) + 1);
    SHA256_Update(&hash, scope->data, scope->len);
    SHA256_Update(&hash, "", 1);
    SHA256_Update(&hash, text, size);
    SHA256_Final(key, &hash);
}

/* NGX_OK with a copy of the value, which may be no longer fresh; NGX_DECLINED where nothing unexpired is remembered. */
ngx_int_t
ngx_http_counterfoil_recall(u_char key[32], ngx_pool_t *pool, ngx_str_t *value, time_t *fresh)
{
    ngx_slab_pool_t *slab = ngx_http_counterfoil_pool;
    ngx_http_counterfoil_shared_t *shared = slab->data;
    ngx_http_counterfoil_entry_t *entry;
    ngx_int_t rc = NGX_DECLINED;

    ngx_shmtx_lock(&slab->mutex);
    entry = ngx_http_counterfoil_find(shared, key);
    if (entry != NULL && entry->expires <= ngx_time()) {
        ngx_http_counterfoil_drop(slab, shared, entry);
        entry = NULL;
    }
    if (entry != NULL) {
        value->len = entry->size;
        value->data = ngx_pnalloc(pool, entry->size);
        if (value->data != NULL) {
            ngx_memcpy(value->data, entry->value, entry->size);
            *fresh = entry->fresh;
            ngx_queue_remove(&entry->queue);
            ngx_queue_insert_head(&shared->queue, &entry->queue);
            rc = NGX_OK;
        } else {
            rc = NGX_ERROR;
        }
    }
    ngx_shmtx_unlock(&slab->mutex);
    return rc;
}

void
ngx_http_counterfoil_remember(u_char key[32], ngx_str_t *value, time_t fresh, time_t expires)
{
    ngx_slab_pool_t *slab = ngx_http_counterfoil_pool;
    ngx_http_counterfoil_shared_t *shared = slab->data;
    ngx_http_counterfoil_entry_t *entry;
    size_t size = offsetof(ngx_http_counterfoil_entry_t, value) + value->len;

    ngx_shmtx_lock(&slab->mutex);
    entry = ngx_http_counterfoil_find(shared, key);
    if (entry != NULL) {
        ngx_http_counterfoil_drop(slab, shared, entry);
    }
    entry = ngx_slab_alloc_locked(slab, size);
    while (entry == NULL && !ngx_queue_empty(&shared->queue)) {
        ngx_queue_t *last = ngx_queue_last(&shared->queue);

        ngx_http_counterfoil_drop(slab, shared, ngx_queue_data(last, ngx_http_counterfoil_entry_t, queue));
        entry = ngx_slab_alloc_locked(slab, size);
    }
    if (entry != NULL) {
        ngx_memcpy(entry->key, key, 32);
        ngx_memcpy(&entry->node.key, key, sizeof(entry->node.key));
        ngx_memcpy(entry->value, value->data, value->len);
        entry->size = value->len;
        entry->fresh = fresh;
        entry->expires = expires;
        ngx_rbtree_insert(&shared->tree, &entry->node);
        ngx_queue_insert_head(&shared->queue, &entry->queue);
    }
    ngx_shmtx_unlock(&slab->mutex);
}

void
ngx_http_counterfoil_refresh(u_char key[32], time_t fresh)
{
    ngx_slab_pool_t *slab = ngx_http_counterfoil_pool;
    ngx_http_counterfoil_entry_t *entry;

    ngx_shmtx_lock(&slab->mutex);
    entry = ngx_http_counterfoil_find(slab->data, key);
    if (entry != NULL) {
        entry->fresh = fresh;
    }
    ngx_shmtx_unlock(&slab->mutex);
}

void
ngx_http_counterfoil_forget(u_char key[32])
{
    ngx_slab_pool_t *slab = ngx_http_counterfoil_pool;
    ngx_http_counterfoil_shared_t *shared = slab->data;
    ngx_http_counterfoil_entry_t *entry;

    ngx_shmtx_lock(&slab->mutex);
    entry = ngx_http_counterfoil_find(shared, key);
    if (entry != NULL) {
        ngx_http_counterfoil_drop(slab, shared, entry);
    }
    ngx_shmtx_unlock(&slab->mutex);
}

static ngx_int_t
ngx_http_counterfoil_compare(const u_char key[32], ngx_rbtree_node_t *node)
{
    ngx_rbtree_key_t first;

    ngx_memcpy(&first, key, sizeof(first));
    if (first != node->key) {
        return first < node->key ? -1 : 1;
    }
    return ngx_memcmp(key, ((ngx_http_counterfoil_entry_t *) node)->key, 32);
}

static void
ngx_http_counterfoil_insert(ngx_rbtree_node_t *at, ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t **next;

    for (;;) {
        next = ngx_http_counterfoil_compare(((ngx_http_counterfoil_entry_t *) node)->key, at) < 0 ? &at->left : &at->right;
        if (*next == sentinel) {
            break;
        }
        at = *next;
    }
    *next = node;
    node->parent = at;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}

static ngx_http_counterfoil_entry_t *
ngx_http_counterfoil_find(ngx_http_counterfoil_shared_t *shared, u_char key[32])
{
    ngx_rbtree_node_t *node = shared->tree.root;

    while (node != &shared->sentinel) {
        ngx_int_t order = ngx_http_counterfoil_compare(key, node);

        if (order == 0) {
            return (ngx_http_counterfoil_entry_t *) node;
        }
        node = order < 0 ? node->left : node->right;
    }
    return NULL;
}

static void
ngx_http_counterfoil_drop(ngx_slab_pool_t *pool, ngx_http_counterfoil_shared_t *shared, ngx_http_counterfoil_entry_t *entry)
{
    ngx_rbtree_delete(&shared->tree, &entry->node);
    ngx_queue_remove(&entry->queue);
    ngx_slab_free_locked(pool, entry);
}
