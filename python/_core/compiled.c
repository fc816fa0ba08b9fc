/* SPDX-License-Identifier: MIT */
/* Compiled statements and the cache of a plan: an LRU list over a hash table,
 * keyed by the bytes of the shape. Keys are compared whole; a collision of
 * hashes costs time only. */
#include "build.h"

#include <string.h>

#define MAX_ENTRIES 512 /* of one plan; beyond, the least recently used goes */
#define N_BUCKETS 256   /* a power of two */

typedef struct entry {
    struct entry *next;          /* of the bucket */
    struct entry *newer, *older; /* of the LRU list */
    uint64_t hash;
    oxypy_compiled *compiled;
    PyObject *pins; /* keep addresses in the key from being used again; or NULL */
    size_t len;
    char key[];
} entry;

struct oxypy_cache {
    oxypy_state *st;
    entry *buckets[N_BUCKETS];
    entry *newest, *oldest;
    uint32_t n;
};

/* --- Compiled ---------------------------------------------------------------------- */

static int compiled_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_compiled *c = (oxypy_compiled *)self;
    oxypy_rowprog *programs[] = {c->program, c->keys, c->shares, c->orders};

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(c->text);
    Py_VISIT(c->table);
    Py_VISIT(c->plans);
    for (size_t i = 0; i < OXY_COUNT(programs); i++) {
        int rc = programs[i] ? oxypy_rowprog_traverse(programs[i], visit, arg) : 0;

        if (rc) {
            return rc;
        }
    }
    return 0;
}

static int compiled_clear(PyObject *self)
{
    oxypy_compiled *c = (oxypy_compiled *)self;

    Py_CLEAR(c->plans);
    return 0;
}

static void compiled_dealloc(PyObject *self)
{
    oxypy_compiled *c = (oxypy_compiled *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    oxypy_rowprog_free(c->program);
    oxypy_rowprog_free(c->keys);
    oxypy_rowprog_free(c->shares);
    oxypy_rowprog_free(c->orders);
    oxy_sql_free(c->sql);
    Py_CLEAR(c->text);
    Py_CLEAR(c->table);
    Py_CLEAR(c->plans);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot compiled_slots[] = {
    {Py_tp_dealloc, compiled_dealloc},
    {Py_tp_traverse, compiled_traverse},
    {Py_tp_clear, compiled_clear},
    {0, NULL},
};

static PyType_Spec compiled_spec = {
    .name = "oxyde._core.Compiled",
    .basicsize = sizeof(oxypy_compiled),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = compiled_slots,
};

/* A program over n columns of the result from `first` on. */
static oxypy_rowprog *program_of(oxypy_state *st, const oxypy_compiled *c, const oxypy_statement *stmt,
                                 oxypy_shape shape, uint32_t first, uint32_t n)
{
    bool known = stmt->out.n == c->sql->n_cols && stmt->stmt.kind != OXY_S_COUNT && stmt->stmt.kind != OXY_S_EXISTS;
    PyObject *names = PyTuple_New((Py_ssize_t)n);
    const oxypy_field **fields = PyMem_Calloc(n ? n : 1, sizeof *fields);
    oxypy_rowprog *program = NULL;

    if (!names || !fields) {
        PyErr_NoMemory();
        goto done;
    }
    for (uint32_t i = 0; i < n; i++) {
        const oxy_result_col *col = &c->sql->cols[first + i];
        PyObject *name = known ? Py_NewRef(stmt->out.items[first + i].name)
                               : PyUnicode_FromStringAndSize(col->name.p, (Py_ssize_t)col->name.len);

        if (!name) {
            goto done;
        }
        PyTuple_SET_ITEM(names, i, name);
        fields[i] = known ? stmt->out.items[first + i].field : NULL;
    }
    program = oxypy_rowprog_new(st, stmt->plan, shape, c->sql->cols + first, fields, names, stmt->out.branches,
                                known && shape == OXYPY_MODEL ? stmt->out.n_branches : 0);
done:
    Py_XDECREF(names);
    PyMem_Free(fields);
    return program;
}

/* A value, or a tuple of several: what dicts are looked up by. */
static oxypy_rowprog *key_program(oxypy_state *st, const oxypy_compiled *c, const oxypy_statement *stmt, uint32_t first,
                                  uint32_t n)
{
    return program_of(st, c, stmt, n == 1 ? OXYPY_FLAT : OXYPY_TUPLE, first, n);
}

static int make_programs(oxypy_state *st, oxypy_compiled *c, const oxypy_statement *stmt)
{
    const oxypy_linked *linked = &stmt->out.linked;

    c->program = program_of(st, c, stmt, stmt->shape, 0, c->sql->n_cols - linked->n_extra);
    if (c->program && linked->n_key) {
        c->linked = *linked;
        c->linked.relation = NULL; /* of the build only */
        c->linked.junction = NULL;
        c->linked.on = NULL;
        c->keys = key_program(st, c, stmt, linked->key_at, linked->n_key);
        c->shares = linked->n_share ? key_program(st, c, stmt, linked->share_at, linked->n_share) : NULL;
        if (linked->order_at > c->sql->n_cols - linked->n_extra) {
            c->orders = key_program(st, c, stmt, linked->order_at - 1, 1);
        }
    }
    return c->program && !PyErr_Occurred() ? 0 : -1;
}

/* Of the text and of what is bound: MySQL gives a prepared statement the types
 * of its first values, COALESCE(?, ?) of decimals would answer texts with 0.000. */
static uint64_t statement_key(const oxy_sql *sql)
{
    uint64_t types = 0;

    for (uint32_t i = 0; i < sql->n_binds; i++)
        types = types * 31 + (uint64_t)sql->binds[i].type.kind + 1;
    return oxy_hash(sql->text, sql->len, types);
}

oxypy_compiled *oxypy_compiled_new(oxypy_state *st, oxy_sql *sql, oxypy_statement *stmt, PyObject *plans)
{
    oxypy_compiled *c = (oxypy_compiled *)st->compiled_type->tp_alloc(st->compiled_type, 0);

    if (!c) {
        oxy_sql_free(sql);
        return NULL;
    }
    c->sql = sql;
    c->key = statement_key(sql);
    if (sql->key_query.p) {
        c->key_rows = (oxy_key_rows){sql->quiet_len, sql->key_query, sql->cols[0].name, sql->n_rows};
    }
    c->text = PyUnicode_DecodeUTF8(sql->text, (Py_ssize_t)sql->len, "strict");
    c->table = PyUnicode_DecodeUTF8(stmt->plan->table.name.p, (Py_ssize_t)stmt->plan->table.name.len, "strict");
    /* Types of binds and results borrow their text from the plans. */
    PyObject *others = plans ? PyList_AsTuple(plans) : PyTuple_New(0);
    PyObject *root = PyTuple_Pack(1, stmt->plan);

    c->plans = others && root ? PySequence_Concat(root, others) : NULL;
    Py_XDECREF(others);
    Py_XDECREF(root);
    if (!c->text || !c->table || !c->plans || (stmt->rows && make_programs(st, c, stmt) < 0)) {
        Py_DECREF(c);
        return NULL;
    }
    return c;
}

/* --- cache --------------------------------------------------------------------------------- */

static void unlink_entry(struct oxypy_cache *cache, entry *e)
{
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_newest(struct oxypy_cache *cache, entry *e)
{
    e->newer = NULL;
    e->older = cache->newest;
    if (cache->newest) {
        cache->newest->newer = e;
    } else {
        cache->oldest = e;
    }
    cache->newest = e;
}

static void drop_oldest(struct oxypy_cache *cache)
{
    entry *e = cache->oldest, **at = &cache->buckets[e->hash & (N_BUCKETS - 1)];

    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    unlink_entry(cache, e);
    cache->n--;
    cache->st->cache_size--;
    cache->st->cache_evictions++;
    oxypy_compiled *c = e->compiled;
    PyObject *pins = e->pins;

    PyMem_Free(e);
    Py_DECREF(c);
    Py_XDECREF(pins);
}

oxypy_compiled *oxypy_cache_get(oxypy_plan *plan, const void *key, size_t len, uint64_t hash)
{
    struct oxypy_cache *cache = plan->cache;

    for (entry *e = cache ? cache->buckets[hash & (N_BUCKETS - 1)] : NULL; e; e = e->next) {
        if (e->hash == hash && e->len == len && memcmp(e->key, key, len) == 0) {
            if (cache->newest != e) {
                unlink_entry(cache, e);
                link_newest(cache, e);
            }
            return e->compiled;
        }
    }
    return NULL;
}

int oxypy_cache_put(oxypy_state *st, oxypy_plan *plan, const void *key, size_t len, uint64_t hash, oxypy_compiled *c,
                    PyObject *pins)
{
    if (!plan->cache) {
        plan->cache = PyMem_Calloc(1, sizeof *plan->cache);
        if (!plan->cache) {
            PyErr_NoMemory();
            return -1;
        }
        plan->cache->st = st;
    }
    struct oxypy_cache *cache = plan->cache;
    entry *e = PyMem_Malloc(sizeof *e + len);

    if (!e) {
        PyErr_NoMemory();
        return -1;
    }
    while (cache->n >= MAX_ENTRIES) {
        drop_oldest(cache);
    }
    e->hash = hash;
    e->len = len;
    e->compiled = (oxypy_compiled *)Py_NewRef(c);
    e->pins = Py_XNewRef(pins);
    memcpy(e->key, key, len);
    e->next = cache->buckets[hash & (N_BUCKETS - 1)];
    cache->buckets[hash & (N_BUCKETS - 1)] = e;
    link_newest(cache, e);
    cache->n++;
    st->cache_size++;
    return 0;
}

int oxypy_cache_traverse(struct oxypy_cache *cache, visitproc visit, void *arg)
{
    for (entry *e = cache ? cache->newest : NULL; e; e = e->older) {
        Py_VISIT(e->compiled);
        Py_VISIT(e->pins);
    }
    return 0;
}

void oxypy_cache_free(struct oxypy_cache *cache)
{
    entry *e = cache ? cache->newest : NULL;

    while (e) {
        entry *older = e->older;

        cache->st->cache_size--;
        Py_DECREF(e->compiled);
        Py_XDECREF(e->pins);
        PyMem_Free(e);
        e = older;
    }
    PyMem_Free(cache);
}

/* --- counters -------------------------------------------------------------------------------- */

PyDoc_STRVAR(info_doc, "cache_info()\n--\n\nCounters of the statement cache: hits, misses, size, evictions.");

static PyObject *cache_info(PyObject *module, PyObject *unused)
{
    oxypy_state *st = oxypy_state_of_module(module);

    (void)unused;
    return Py_BuildValue("{sKsKsKsK}", "hits", (unsigned long long)st->cache_hits, "misses",
                         (unsigned long long)st->cache_misses, "size", (unsigned long long)st->cache_size, "evictions",
                         (unsigned long long)st->cache_evictions);
}

static PyMethodDef functions[] = {
    {"cache_info", cache_info, METH_NOARGS, info_doc},
    {NULL, NULL, 0, NULL},
};

int oxypy_compiled_init(PyObject *module, oxypy_state *st)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &compiled_spec, NULL);

    if (!type) {
        return -1;
    }
    st->compiled_type = (PyTypeObject *)type;
    return PyModule_AddFunctions(module, functions);
}
