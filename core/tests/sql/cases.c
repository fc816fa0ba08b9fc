/* SPDX-License-Identifier: MIT */
/* cases: golden files. A line begins with its key; lines that begin with a
 * blank go on with the one above; '#' begins a comment line. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 1 << 16, FIELD_MAX = 1 << 16 };

struct reader {
    golden_set *set;
    golden_case *now;
    const char *path;
    unsigned line;
    char key[32];
    char value[FIELD_MAX];
    size_t len;
};

static void stop(const struct reader *r, const char *what)
{
    (void)fprintf(stderr, "%s:%u: %s\n", r->path, r->line, what);
    exit(2);
}

static const char *keep(const struct reader *r)
{
    char *copy = oxy_arena_copy(&r->set->text, r->value, r->len);

    if (copy == NULL)
        stop(r, "out of memory");
    return copy;
}

static void start_case(struct reader *r)
{
    golden_set *set = r->set;

    if ((set->n & (set->n - 1)) == 0)
        set->cases = realloc(set->cases, (set->n == 0 ? 1 : set->n * 2) * sizeof *set->cases);
    if (set->cases == NULL)
        stop(r, "out of memory");
    r->now = &set->cases[set->n++];
    *r->now =
        (golden_case){.file = oxy_arena_copy(&set->text, r->path, strlen(r->path)), .line = r->line, .name = keep(r)};
}

static void set_all(const char **slots, const char *value)
{
    for (int i = 0; i < GOLDEN_DIALECTS; i++)
        if (slots[i] == NULL)
            slots[i] = value;
}

static bool set_dialect(const char **slots, const char *name, const char *value)
{
    static const char *const names[] = {"pg", "mysql", "mariadb", "sqlite"};

    for (int i = 0; i < GOLDEN_DIALECTS; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        slots[i] = value;
        if (i == GOLDEN_MYSQL && slots[GOLDEN_MARIADB] == NULL)
            slots[GOLDEN_MARIADB] = value;
        return true;
    }
    return false;
}

/* Hands the field that was gathered to its case. */
static void end_field(struct reader *r)
{
    if (r->key[0] == '\0')
        return;
    while (r->len != 0 && r->value[r->len - 1] == ' ')
        r->len--;
    if (strcmp(r->key, "case") == 0)
        start_case(r);
    else if (r->now == NULL)
        stop(r, "a field before the first case");
    else if (strcmp(r->key, "query") == 0)
        r->now->query = keep(r);
    else if (strcmp(r->key, "flags") == 0)
        r->now->flags = keep(r);
    else if (strcmp(r->key, "cols") == 0)
        r->now->cols = keep(r);
    else if (strcmp(r->key, "binds") == 0)
        set_all(r->now->binds, keep(r));
    else if (strncmp(r->key, "binds.", 6) == 0 ? !set_dialect(r->now->binds, r->key + 6, keep(r))
                                               : !set_dialect(r->now->sql, r->key, keep(r)))
        stop(r, "no such key");
    r->key[0] = '\0';
    r->len = 0;
}

static void add_value(struct reader *r, const char *text)
{
    size_t len;

    text += strspn(text, " \t");
    len = strcspn(text, "\r\n");
    if (r->len + len + 2 > FIELD_MAX)
        stop(r, "too long");
    if (r->len != 0 && len != 0)
        r->value[r->len++] = ' ';
    memcpy(r->value + r->len, text, len);
    r->len += len;
}

static void add_line(struct reader *r, const char *line)
{
    size_t key = strcspn(line, " \t\r\n");

    if (line[0] == '#')
        return;
    if (key == 0) {
        add_value(r, line);
        return;
    }
    end_field(r);
    if (key >= sizeof r->key)
        stop(r, "no such key");
    memcpy(r->key, line, key);
    r->key[key] = '\0';
    add_value(r, line + key);
}

void golden_read(golden_set *set, const char *path)
{
    struct reader *r = calloc(1, sizeof *r);
    char *line = malloc(LINE_MAX_LEN);
    FILE *f = fopen(path, "r");

    if (r == NULL || line == NULL || f == NULL) {
        perror(path);
        exit(2);
    }
    if (set->text.alloc == NULL)
        oxy_arena_init(&set->text, oxy_alloc_default(), (size_t)1 << 28);
    r->set = set;
    r->path = path;
    while (fgets(line, LINE_MAX_LEN, f) != NULL) {
        r->line++;
        add_line(r, line);
    }
    end_field(r);
    (void)fclose(f);
    free(line);
    free(r);
}

void golden_free(golden_set *set)
{
    free(set->cases);
    oxy_arena_fini(&set->text);
}
