/* SPDX-License-Identifier: MIT */
/* json: what the dialects share about JSON paths. */
#include "emit.h"

#include <string.h>
#include <strings.h>

bool oxy__plain_json(const oxy_type *t)
{
    return t->kind == OXY_K_JSON && t->db_type.len == 4 && strncasecmp(t->db_type.p, "JSON", 4) == 0;
}

/* Path text: $."key"[0]. A quote or backslash in a key is escaped as in JSON. */
/* Telling arrays and objects apart doubles the text with each such step; past
 * the fourth, digits are indexes. */
uint32_t oxy__json_ambiguous(const oxy_json_step *steps, uint32_t n, uint32_t from)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; i < n && i < 64; i++) {
        if (!steps[i].is_index)
            continue;
        if (i >= from && seen < 4)
            return i;
        seen++;
    }
    return n;
}

static bool is_index(const oxy_json_step *step)
{
    for (size_t i = 0; i < step->key.len; i++)
        if (step->key.p[i] < '0' || step->key.p[i] > '9')
            return false;
    return step->is_index && step->key.len != 0;
}

void oxy__put_json_path(oxy__emit *e, const oxy_json_step *steps, uint32_t n, uint64_t keys)
{
    oxy_buf path;

    oxy_buf_init(&path, e->out->alloc, 1 << 20);
    oxy_buf_putc(&path, '$');
    for (uint32_t i = 0; i < n; i++) {
        if (is_index(&steps[i]) && (i >= 64 || (keys >> i & 1) == 0)) {
            oxy_buf_putc(&path, '[');
            oxy_buf_put(&path, steps[i].key.p, steps[i].key.len);
            oxy_buf_putc(&path, ']');
        } else {
            oxy_buf_putc(&path, '.');
            oxy_json_string(&path, steps[i].key.p, steps[i].key.len);
        }
    }
    if (path.rc != OXY_OK)
        oxy__fail(e, path.rc, path.rc == OXY_NOMEM ? "out of memory" : "a JSON path is too long");
    else
        e->d->literal(e, (oxy_sv){path.p, path.len});
    oxy_buf_fini(&path);
}
