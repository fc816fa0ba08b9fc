/* SPDX-License-Identifier: MIT */
/* Related rows that come in the same row (join()). Each is looked up by its
 * key's cells as the driver gives them, before anything of it is decoded; only
 * a row that is new to the result goes through the target's program. */
#include "cell.h"

#define KEY_BYTES 256                /* a longer key goes to the arena at once */
#define KEYS_LIMIT ((size_t)1 << 30) /* of one result, whose rows are in memory as well */
#define FIRST_SLOTS 16

/* One related row. An integer is its own key; other keys are bytes. */
typedef struct slot {
    uint64_t hash;
    const char *bytes; /* in the arena; NULL: the key is number */
    union {
        int64_t number;
        size_t len;
    };
    PyObject *object; /* owned; NULL: the slot is free */
} slot;

/* The rows of one child: a hash table with linear probing, at most half full. */
typedef struct known {
    slot *slots;
    uint32_t n, cap; /* cap: 0 or a power of two */
} known;

struct oxypy_shared {
    oxy_arena keys;
    uint32_t n;
    known known[];
};

/* --- life ------------------------------------------------------------------------------ */

int oxypy__shared_prepare(const oxypy_rowprog *p, oxypy_shared **shared)
{
    if (*shared != NULL)
        return 0;
    *shared = PyMem_Calloc(1, sizeof **shared + p->n_branches * sizeof(known));
    if (*shared == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    oxy_arena_init(&(*shared)->keys, oxy_alloc_default(), KEYS_LIMIT);
    (*shared)->n = p->n_branches;
    return 0;
}

void oxypy_shared_free(oxypy_shared *shared)
{
    if (shared == NULL)
        return;
    for (uint32_t i = 0; i < shared->n; i++) {
        for (uint32_t k = 0; k < shared->known[i].cap; k++)
            Py_XDECREF(shared->known[i].slots[k].object);
        PyMem_Free(shared->known[i].slots);
    }
    oxy_arena_fini(&shared->keys);
    PyMem_Free(shared);
}

int oxypy_shared_traverse(const oxypy_shared *shared, visitproc visit, void *arg)
{
    for (uint32_t i = 0; shared != NULL && i < shared->n; i++)
        for (uint32_t k = 0; k < shared->known[i].cap; k++)
            Py_VISIT(shared->known[i].slots[k].object);
    return 0;
}

/* --- keys --------------------------------------------------------------------------------- */

/* The key of a related row; bytes are borrowed from buffer, the cells or the
 * arena. */
typedef struct key {
    slot found; /* everything but the object */
    char buffer[KEY_BYTES];
} key;

static bool has_bytes(const oxy_cell *cell)
{
    return cell->tag == OXY_C_TEXT || cell->tag == OXY_C_BLOB || cell->tag == OXY_C_WIRE;
}

/* Each cell's tag, length and contents, one after another: cells of one column
 * and one row are always written alike. */
static size_t key_size(const oxypy_child *c, const oxy_cell *cells)
{
    size_t size = 0;

    for (uint32_t i = 0; i < c->n_keys; i++) {
        const oxy_cell *cell = &cells[c->keys[i]];

        size += 1 + sizeof cell->len + (has_bytes(cell) ? cell->len : sizeof cell->i);
    }
    return size;
}

static char *put(char *at, const void *p, size_t len)
{
    memcpy(at, p, len);
    return at + len;
}

static int read_bytes(oxypy_shared *shared, const oxypy_child *c, const oxy_cell *cells, key *k)
{
    size_t size = key_size(c, cells);
    char *text = size <= sizeof k->buffer ? k->buffer : oxy_arena_new(&shared->keys, size), *at = text;

    if (text == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < c->n_keys; i++) {
        const oxy_cell *cell = &cells[c->keys[i]];
        uint32_t len = has_bytes(cell) ? cell->len : (uint32_t)sizeof cell->i;

        at = put(at, &cell->tag, 1);
        at = put(at, &len, sizeof len);
        at = put(at, has_bytes(cell) ? (const void *)cell->p : &cell->i, len);
    }
    k->found.bytes = text;
    k->found.len = size;
    k->found.hash = oxy_hash(text, size, 0);
    return 0;
}

/* 1: there is a related row, 0: there is none, -1 with an exception. */
static int read_key(oxypy_shared *shared, const oxypy_child *c, const oxy_cell *cells, key *k)
{
    const oxy_cell *first = &cells[c->keys[0]];

    for (uint32_t i = 0; i < c->n_keys; i++)
        if (cells[c->keys[i]].tag == OXY_C_NULL)
            return 0;
    if (c->n_keys == 1 && first->tag == OXY_C_INT) {
        k->found.bytes = NULL;
        k->found.number = first->i;
        k->found.hash = (uint64_t)first->i * UINT64_C(0x9E3779B97F4A7C15);
        k->found.hash ^= k->found.hash >> 32;
        return 1;
    }
    return read_bytes(shared, c, cells, k) < 0 ? -1 : 1;
}

static bool same_key(const slot *a, const slot *b)
{
    if (a->hash != b->hash || (a->bytes == NULL) != (b->bytes == NULL))
        return false;
    if (a->bytes == NULL)
        return a->number == b->number;
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* --- the table --------------------------------------------------------------------------------- */

/* The slot of a key, or the free one where it belongs. */
static slot *find(const known *t, const slot *wanted)
{
    uint32_t at = (uint32_t)wanted->hash & (t->cap - 1);

    while (t->slots[at].object != NULL && !same_key(&t->slots[at], wanted))
        at = (at + 1) & (t->cap - 1);
    return &t->slots[at];
}

/* Room for one more. */
static int grow(known *t)
{
    known wider = {.n = t->n, .cap = t->cap == 0 ? FIRST_SLOTS : t->cap * 2};

    if (t->n * UINT64_C(2) < t->cap)
        return 0;
    wider.slots = wider.cap == 0 ? NULL : PyMem_Calloc(wider.cap, sizeof *wider.slots);
    if (wider.slots == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < t->cap; i++)
        if (t->slots[i].object != NULL)
            *find(&wider, &t->slots[i]) = t->slots[i];
    PyMem_Free(t->slots);
    *t = wider;
    return 0;
}

/* Keeps a new row; steals nothing. */
static int keep(oxypy_shared *shared, known *t, const key *k, PyObject *object)
{
    slot fresh = k->found;

    if (grow(t) < 0)
        return -1;
    if (fresh.bytes == k->buffer) {
        fresh.bytes = oxy_arena_copy(&shared->keys, k->buffer, fresh.len);
        if (fresh.bytes == NULL) {
            (void)PyErr_NoMemory();
            return -1;
        }
    }
    fresh.object = Py_NewRef(object);
    *find(t, &fresh) = fresh;
    t->n++;
    return 0;
}

/* --- rows ------------------------------------------------------------------------------------------ */

/* New reference: the related row, or None. */
static PyObject *related(oxypy_state *st, const oxypy_child *c, const oxypy_source *src)
{
    const oxypy_rowview view = {src->row->cells + c->first, src->row->cols + c->first, c->program->n, src->row->codec};
    oxypy_source own = {.row = &view, .scratch = src->scratch, .shared = src->shared};
    known *t = &src->shared->known[c->number];
    PyObject *object;
    key k;
    int there = read_key(src->shared, c, view.cells, &k);

    if (there <= 0)
        return there < 0 ? NULL : Py_NewRef(Py_None);
    if (t->n != 0) {
        object = find(t, &k.found)->object;
        if (object != NULL)
            return Py_NewRef(object);
    }
    object = oxypy__row_make(st, c->program, &own);
    if (object != NULL && keep(src->shared, t, &k, object) < 0)
        Py_CLEAR(object);
    return object;
}

int oxypy__related_fill(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src, PyObject *dict)
{
    for (uint32_t i = 0; i < p->n_children; i++) {
        PyObject *object = related(st, &p->children[i], src);
        int rc = object == NULL ? -1 : PyDict_SetItem(dict, p->children[i].name, object);

        Py_XDECREF(object);
        if (rc < 0)
            return -1;
    }
    return 0;
}
