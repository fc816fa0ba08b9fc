/* SPDX-License-Identifier: MIT */
/* Settings. */
#include "mysql_conn.h"

#include "../common.h"

#include <string.h>

static oxy_rc bad(oxy_err *err, const oxy_setting *s, const char *what)
{
    return oxy_err_set(err, OXY_VALUE, "%.*s: %s", OXY_SV_ARG(s->name), what);
}

static bool read_number(oxy_sv text, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;

    if (!text.len || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = n;
    return n <= max;
}

/* What goes between quotes in the statement that sets the session up. */
static bool quotable(oxy_sv text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.p[i] < ' ' || strchr("'\\`", text.p[i]))
            return false;
    return true;
}

static oxy_rc read_tls(oxy__my_config *f, const oxy_setting *s, oxy_err *err)
{
    static const struct {
        const char *name;
        oxy__my_tls tls;
    } modes[] = {
        {"disabled", OXY__MY_TLS_DISABLED},
        {"preferred", OXY__MY_TLS_PREFERRED},
        {"required", OXY__MY_TLS_REQUIRED},
        {"verify_ca", OXY__MY_TLS_VERIFY_CA},
        {"verify_identity", OXY__MY_TLS_VERIFY_IDENTITY},
    };

    for (size_t i = 0; i < OXY_COUNT(modes); i++)
        if (oxy_sv_eq(s->value, oxy_sv_of(modes[i].name))) {
            f->tls = modes[i].tls;
            return OXY_OK;
        }
    return bad(err, s, "disabled, preferred, required, verify_ca or verify_identity");
}

static oxy_rc read_setting(oxy__my_config *f, const oxy_setting *s, oxy_err *err)
{
    const struct {
        const char *name;
        const char **text;
        bool quoted;
    } texts[] = {
        {"host", &f->host, false},          {"user", &f->user, false},          {"password", &f->password, false},
        {"dbname", &f->dbname, false},      {"socket", &f->socket, false},      {"charset", &f->charset, true},
        {"collation", &f->collation, true}, {"time_zone", &f->time_zone, true}, {"sql_mode", &f->sql_mode, true},
        {"ssl_ca", &f->ssl_ca, false},      {"ssl_cert", &f->ssl_cert, false},  {"ssl_key", &f->ssl_key, false},
    };
    const struct {
        const char *name;
        uint64_t *number;
    } numbers[] = {
        {"oxy.statement_timeout_ms", &f->statement_timeout_ms},
        {"oxy.lock_timeout_ms", &f->lock_timeout_ms},
        {"oxy.connect_timeout_ms", &f->connect_timeout_ms},
    };
    uint64_t n;

    for (size_t i = 0; i < OXY_COUNT(texts); i++) {
        if (!oxy_sv_eq(s->name, oxy_sv_of(texts[i].name)))
            continue;
        if (s->value.len && memchr(s->value.p, '\0', s->value.len))
            return bad(err, s, "contains a NUL character");
        if (texts[i].quoted && !quotable(s->value))
            return bad(err, s, "contains a quote, a backslash or a control character");
        *texts[i].text = oxy_arena_copy(&f->memory, s->value.p, s->value.len);
        return *texts[i].text ? OXY_OK : oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < OXY_COUNT(numbers); i++)
        if (oxy_sv_eq(s->name, oxy_sv_of(numbers[i].name)))
            return read_number(s->value, UINT32_MAX, numbers[i].number) ? OXY_OK
                                                                        : bad(err, s, "not a number of milliseconds");
    if (oxy_sv_eq(s->name, OXY_SV("port"))) {
        if (!read_number(s->value, 65535, &n) || !n)
            return bad(err, s, "not a port number");
        f->port = (unsigned)n;
        return OXY_OK;
    }
    if (oxy_sv_eq(s->name, OXY_SV("compress"))) {
        if (!read_number(s->value, 1, &n))
            return bad(err, s, "0 or 1");
        f->compress = n == 1;
        return OXY_OK;
    }
    if (oxy_sv_eq(s->name, OXY_SV("ssl_mode")))
        return read_tls(f, s, err);
    return oxy_err_set(err, OXY_VALUE, "MySQL has no setting '%.*s'", OXY_SV_ARG(s->name));
}

oxy_rc oxy__my_config_new(const oxy_open *what, const oxy_alloc *alloc, oxy__my_config **out, oxy_err *err)
{
    oxy__my_config *f = oxy_alloc_zero(alloc, 1, sizeof *f);
    oxy_rc rc = OXY_OK;

    *out = NULL;
    if (!f)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    f->alloc = alloc;
    atomic_init(&f->refs, 1);
    oxy_arena_init(&f->memory, alloc, 1u << 20);
    f->common = oxy__common_hold(what->common);
    f->port = 3306;
    f->host = "localhost";
    f->user = "root";
    for (uint32_t i = 0; i < what->n_settings && rc == OXY_OK; i++)
        rc = read_setting(f, &what->settings[i], err);
    if (rc != OXY_OK) {
        oxy__my_config_drop(f);
        return rc;
    }
    if (f->socket && !*f->socket)
        f->socket = NULL;
    *out = f;
    return OXY_OK;
}

oxy__my_config *oxy__my_config_hold(oxy__my_config *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void oxy__my_config_drop(oxy__my_config *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    oxy_common_drop(f->common);
    oxy_arena_fini(&f->memory);
    oxy_alloc_free(f->alloc, f);
}
