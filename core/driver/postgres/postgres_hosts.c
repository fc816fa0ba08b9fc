/* SPDX-License-Identifier: MIT */
/* Hosts: what libpq would connect to, and looking up their names.
 *
 * libpq would look up names inside PQconnectPoll and block. So it never gets
 * one: what it would connect to is asked of it first (explicit settings, the
 * service file, environment and defaults, by its own rules), names among the
 * hosts are looked up by an errand, and it is given addresses beside the names,
 * which it goes on to use for certificates and passwords. */
#include "postgres.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_HOSTS 256
#define PATIENCE_MS 3000 /* with a host that does not answer, if connect_timeout does not say */

/* --- what libpq would do ------------------------------------------------------------------ */

static const char *keep(oxy__pg_settings *s, const char *text, oxy_rc *rc)
{
    const char *copy = oxy_arena_copy(&s->memory, text ? text : "", text ? strlen(text) : 0);

    if (!copy)
        *rc = OXY_NOMEM;
    return copy;
}

/* Item i of a comma-separated list; the only item of a list of one if `spread`. */
static const char *item(oxy__pg_settings *s, const char *list, uint32_t i, bool spread, oxy_rc *rc)
{
    const char *copy;

    if (spread && !strchr(list, ','))
        return list;
    for (; i && *list; i--) {
        list += strcspn(list, ",");
        list += *list == ',';
    }
    copy = oxy_arena_copy(&s->memory, list, strcspn(list, ","));
    if (!copy)
        *rc = OXY_NOMEM;
    return copy;
}

static uint32_t count_items(const char *list)
{
    uint32_t n = 1;

    for (; *list; list++)
        n += *list == ',';
    return n;
}

static bool is_name(const char *name)
{
    unsigned char out[sizeof(struct in6_addr)];

    if (!*name || *name == '/' || *name == '@')
        return false; /* a socket */
    return inet_pton(AF_INET, name, out) != 1 && inet_pton(AF_INET6, name, out) != 1 && !strchr(name, '%');
}

/* A list whose length does not fit is left for libpq to complain about. */
static oxy_rc split_hosts(oxy__pg_settings *s, const char *names, const char *addrs, const char *ports)
{
    uint32_t n = count_items(*names ? names : addrs);
    bool any = false;
    oxy_rc rc = OXY_OK;

    s->several = n > 1;
    if (!*names || n > MAX_HOSTS || (*addrs && count_items(addrs) != n) ||
        (strchr(ports, ',') && count_items(ports) != n))
        return OXY_OK;
    s->hosts = oxy_arena_zero(&s->memory, n, sizeof *s->hosts);
    if (!s->hosts)
        return OXY_NOMEM;
    for (uint32_t i = 0; i < n && rc == OXY_OK; i++) {
        oxy__pg_host *h = &s->hosts[i];

        h->name = item(s, names, i, false, &rc);
        h->addr = *addrs ? item(s, addrs, i, false, &rc) : "";
        h->port = item(s, ports, i, true, &rc);
        h->lookup = rc == OXY_OK && !*h->addr && is_name(h->name);
        any |= h->lookup;
    }
    s->n_hosts = any ? n : 0;
    return rc;
}

/* A connection that fails before it does anything, for an sslmode that there is
 * not, has by then resolved all its options; only so does libpq tell what a
 * service file says. */
oxy_rc oxy__pg_ask_libpq(oxy__pg *c)
{
    oxy__pg_settings *s = c->settings;
    const char *names = "", *addrs = "", *ports = "", *role = "";
    const char *sslmode = NULL;
    PQconninfoOption *all;
    PGconn *dry;
    oxy_rc rc = OXY_OK;

    s->patience_ms = PATIENCE_MS;
    for (uint32_t i = 0; i < s->n; i++)
        if (strcmp(s->keywords[i], "sslmode") == 0)
            sslmode = s->values[i];
    oxy__pg_set(s, "sslmode", "none-at-all");
    dry = PQconnectStartParams(s->keywords, s->values, 0);
    all = dry ? PQconninfo(dry) : NULL;
    PQfinish(dry);
    oxy__pg_set(s, "sslmode", sslmode);
    if (!all)
        return OXY_NOMEM;
    for (const PQconninfoOption *o = all; o->keyword && rc == OXY_OK; o++) {
        if (strcmp(o->keyword, "host") == 0)
            names = keep(s, o->val, &rc);
        else if (strcmp(o->keyword, "hostaddr") == 0)
            addrs = keep(s, o->val, &rc);
        else if (strcmp(o->keyword, "port") == 0)
            ports = keep(s, o->val, &rc);
        else if (strcmp(o->keyword, "options") == 0)
            s->user_options = keep(s, o->val, &rc);
        else if (strcmp(o->keyword, "target_session_attrs") == 0)
            role = keep(s, o->val, &rc);
        else if (strcmp(o->keyword, "tcp_user_timeout") == 0)
            s->user_timeout = o->val && strtol(o->val, NULL, 10) > 0;
        else if (strcmp(o->keyword, "connect_timeout") == 0 && o->val && strtol(o->val, NULL, 10) > 0)
            s->patience_ms = strtoul(o->val, NULL, 10) * 1000;
    }
    PQconninfoFree(all);
    if (rc != OXY_OK)
        return rc;
    s->names = names;
    s->addrs = addrs;
    s->ports = ports;
    c->wants_write = strcmp(role, "read-write") == 0 || strcmp(role, "primary") == 0;
    return split_hosts(s, names, addrs, ports);
}

/* --- names of hosts ------------------------------------------------------------------------- */

/* Text of one errand: owns its names and what becomes of them. */
typedef struct lookup {
    oxy__errand base;
    const oxy_alloc *alloc;
    uint32_t n;
    char **names; /* NULL: not to be looked up */
    struct addrinfo **found;
    int *failed; /* of getaddrinfo */
} lookup;

static void run_lookup(oxy__errand *e)
{
    lookup *l = (lookup *)e;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

    for (uint32_t i = 0; i < l->n; i++)
        if (l->names[i])
            l->failed[i] = getaddrinfo(l->names[i], NULL, &hints, &l->found[i]);
}

static void free_lookup(oxy__errand *e)
{
    lookup *l = (lookup *)e;
    const oxy_alloc *a = l->alloc;

    for (uint32_t i = 0; i < l->n; i++) {
        if (l->names)
            oxy_alloc_free(a, l->names[i]);
        if (l->found && l->found[i])
            freeaddrinfo(l->found[i]);
    }
    oxy_alloc_free(a, l->names);
    oxy_alloc_free(a, l->found);
    oxy_alloc_free(a, l->failed);
    oxy_alloc_free(a, l);
}

static bool fill_lookup(oxy__pg *c, lookup *l)
{
    const oxy_alloc *a = c->base.alloc;
    uint32_t n = c->settings->n_hosts;

    l->names = oxy_alloc_zero(a, n, sizeof *l->names);
    l->found = oxy_alloc_zero(a, n, sizeof(struct addrinfo *));
    l->failed = oxy_alloc_zero(a, n, sizeof *l->failed);
    if (!l->names || !l->found || !l->failed)
        return false;
    l->n = n;
    for (uint32_t i = 0; i < n; i++) {
        const oxy__pg_host *h = &c->settings->hosts[i];

        if (!h->lookup)
            continue;
        l->names[i] = oxy_alloc_new(a, strlen(h->name) + 1);
        if (!l->names[i])
            return false;
        memcpy(l->names[i], h->name, strlen(h->name) + 1);
    }
    return true;
}

oxy_rc oxy__pg_send_lookup(oxy__pg *c, oxy_notify notify, void *arg)
{
    oxy_err *err = &c->base.err;

    if (c->phase == OXY__PG_RESOLVE) {
        lookup *l = oxy_alloc_zero(c->base.alloc, 1, sizeof *l);
        oxy_rc rc;

        if (!l)
            return oxy_err_set(err, OXY_NOMEM, "out of memory");
        l->alloc = c->base.alloc;
        if (oxy__errand_init(&l->base, run_lookup, free_lookup) != OXY_OK) {
            oxy_alloc_free(c->base.alloc, l);
            return oxy_err_set(err, OXY_NOMEM, "out of memory");
        }
        rc = fill_lookup(c, l) ? oxy__errands_send(c->errands, &l->base, err)
                               : oxy_err_set(err, OXY_NOMEM, "out of memory");
        if (rc != OXY_OK) {
            oxy__errand_drop(&l->base);
            return rc;
        }
        c->lookup = &l->base;
        c->phase = OXY__PG_RESOLVING;
    }
    oxy__errand_wait(c->lookup, notify, arg);
    return OXY_OK;
}

static void add_host(oxy_buf *names, oxy_buf *addrs, oxy_buf *ports, const oxy__pg_host *h, const char *addr)
{
    oxy_buf *lists[] = {names, addrs, ports};
    const char *items[] = {h->name, addr, h->port};

    for (int i = 0; i < 3; i++) {
        oxy_buf_puts(lists[i], items[i]);
        oxy_buf_putc(lists[i], ',');
    }
}

/* Each address becomes a host of its own, as libpq does with several. */
static void add_found(oxy_buf *names, oxy_buf *addrs, oxy_buf *ports, const oxy__pg_host *h,
                      const struct addrinfo *found)
{
    char text[NI_MAXHOST];

    for (; found; found = found->ai_next)
        if (getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
            add_host(names, addrs, ports, h, text);
}

static const char *list_of(oxy__pg_settings *s, const oxy_buf *b)
{
    return b->rc == OXY_OK && b->len ? oxy_arena_copy(&s->memory, b->p, b->len - 1) : NULL;
}

oxy_rc oxy__pg_apply_lookup(oxy__pg *c)
{
    oxy__pg_settings *s = c->settings;
    const lookup *l = (const lookup *)c->lookup;
    const char *lists[3];
    oxy_buf names, addrs, ports;
    uint32_t bad = 0;
    oxy_rc rc = OXY_OK;

    oxy_buf_init(&names, c->base.alloc, 1u << 20);
    oxy_buf_init(&addrs, c->base.alloc, 1u << 20);
    oxy_buf_init(&ports, c->base.alloc, 1u << 20);
    for (uint32_t i = 0; i < s->n_hosts; i++) {
        if (!s->hosts[i].lookup)
            add_host(&names, &addrs, &ports, &s->hosts[i], s->hosts[i].addr);
        else if (l->failed[i])
            bad = i;
        else
            add_found(&names, &addrs, &ports, &s->hosts[i], l->found[i]);
    }
    lists[0] = list_of(s, &names);
    lists[1] = list_of(s, &addrs);
    lists[2] = list_of(s, &ports);
    if (!names.len && names.rc == OXY_OK) {
        rc = oxy_err_set(&c->base.err, OXY_OPERATIONAL, "could not translate host name \"%s\" to address: %s",
                         s->hosts[bad].name, l->base.dropped ? "not looked up" : gai_strerror(l->failed[bad]));
        c->base.err.flags |= OXY_ERR_UNSENT;
    } else if (!lists[0] || !lists[1] || !lists[2]) {
        rc = oxy_err_set(&c->base.err, OXY_NOMEM, "out of memory");
    } else {
        oxy__pg_set(s, "host", s->names = lists[0]);
        oxy__pg_set(s, "hostaddr", s->addrs = lists[1]);
        oxy__pg_set(s, "port", s->ports = lists[2]);
        s->several |= strchr(lists[0], ',') != NULL;
    }
    oxy_buf_fini(&names);
    oxy_buf_fini(&addrs);
    oxy_buf_fini(&ports);
    return rc;
}

/* --- a host that does not answer ------------------------------------------------------------ */

/* Item i of the list is what libpq is at; an empty item says nothing of it. */
static bool is_at(oxy__pg_settings *s, const char *list, uint32_t i, const char *at, oxy_rc *rc)
{
    const char *text = *list ? item(s, list, i, true, rc) : "";

    return *rc == OXY_OK && (!*text || strcmp(text, at) == 0);
}

/* The list without item i; one that counts for all hosts stays. */
static const char *without(oxy__pg_settings *s, const char *list, uint32_t i, bool counts_for_all, oxy_rc *rc)
{
    const char *at = list;
    size_t before, len;
    char *copy;

    if (!*list || (counts_for_all && !strchr(list, ',')))
        return list;
    for (; i; i--)
        at += strcspn(at, ",") + 1;
    len = strcspn(at, ",");
    len += at[len] == ','; /* with the comma behind it, or the one in front */
    before = (size_t)(at - list) - (size_t)(!at[len] && at > list && (len == 0 || at[len - 1] != ','));
    copy = oxy_arena_copy(&s->memory, list, strlen(list));
    if (!copy) {
        *rc = OXY_NOMEM;
        return list;
    }
    memmove(copy + before, copy + (at - list) + len, strlen(list) - (size_t)(at - list) - len + 1);
    return copy;
}

bool oxy__pg_skip_host(oxy__pg *c)
{
    oxy__pg_settings *s = c->settings;
    uint32_t n = count_items(*s->names ? s->names : s->addrs);
    const char *names, *addrs, *ports;
    oxy_rc rc = OXY_OK;

    for (uint32_t i = 0; n > 1 && i < n; i++) {
        if (!is_at(s, *s->names ? s->names : s->addrs, i, PQhost(c->pq), &rc) ||
            !is_at(s, s->addrs, i, PQhostaddr(c->pq), &rc) || !is_at(s, s->ports, i, PQport(c->pq), &rc))
            continue;
        names = without(s, s->names, i, false, &rc);
        addrs = without(s, s->addrs, i, false, &rc);
        ports = without(s, s->ports, i, true, &rc);
        if (rc != OXY_OK)
            return false;
        oxy__pg_set(s, "host", s->names = names);
        oxy__pg_set(s, "hostaddr", s->addrs = addrs);
        oxy__pg_set(s, "port", s->ports = ports);
        return true;
    }
    return false;
}
