/* SPDX-License-Identifier: MIT */
/* err: codes and words. Everything lies in fixed storage, so telling of a
 * failure cannot fail itself. */
#include <oxyde/base.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const exception_names[] = {
#define X(name, exception) [OXY_##name] = (exception),
    OXY_RC_LIST(X)
#undef X
};

static_assert(OXY_COUNT(exception_names) == OXY_RC_COUNT, "one name per code");

const char *oxy_rc_exception(oxy_rc rc)
{
    return (unsigned)rc < OXY_RC_COUNT ? exception_names[rc] : exception_names[OXY_INTERNAL];
}

void oxy_err_clear(oxy_err *err)
{
    /* The first byte of each text is enough, and this runs for each query. */
    err->rc = OXY_OK;
    err->flags = 0;
    err->native = 0;
    err->sqlstate[0] = '\0';
    err->message[0] = '\0';
    err->detail[0] = '\0';
    err->hint[0] = '\0';
    err->constraint[0] = '\0';
    err->table[0] = '\0';
    err->column[0] = '\0';
}

void oxy_err_copy(char *field, size_t cap, const char *src, size_t len)
{
    static const char dots[] = "...";
    size_t keep;

    if (cap == 0)
        return;
    if (len < cap) {
        if (len != 0)
            memmove(field, src, len);
        field[len] = '\0';
        return;
    }
    keep = cap - 1;
    if (keep < sizeof dots - 1) { /* no room for dots */
        field[0] = '\0';
        return;
    }
    keep -= sizeof dots - 1;
    /* Back to the start of the character that would be cut. */
    while (keep > 0 && ((unsigned char)src[keep] & 0xC0) == 0x80)
        keep--;
    memmove(field, src, keep);
    memcpy(field + keep, dots, sizeof dots);
}

oxy_rc oxy_err_set(oxy_err *err, oxy_rc rc, const char *fmt, ...)
{
    /* One byte more than the field, so that the cut is noticed; formatted aside
     * first, because an argument may be a field of err itself. */
    char text[sizeof err->message + 4];
    va_list args;
    int len;

    if (err == NULL)
        return rc;
    va_start(args, fmt);
    len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0) {
        text[0] = '\0';
        len = 0;
    }
    oxy_err_clear(err);
    err->rc = rc;
    oxy_err_copy(err->message, sizeof err->message, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
    return rc;
}
