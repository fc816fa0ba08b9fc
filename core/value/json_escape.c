/* SPDX-License-Identifier: MIT */
/* json_escape: what is between the quotes of a JSON string, as UTF-8. */
#include <oxyde/value.h>

#include <string.h>

/* Four hexadecimal digits at p, or above 0xFFFF. */
static uint32_t hex4(const char *p)
{
    uint32_t value = 0;
    int i;

    for (i = 0; i < 4; i++) {
        unsigned digit = (unsigned char)p[i] - (unsigned)'0';
        unsigned letter = ((unsigned char)p[i] | 0x20U) - (unsigned)'a';

        if (digit > 9 && letter > 5)
            return 0x10000;
        value = value << 4 | (digit <= 9 ? digit : letter + 10);
    }
    return value;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* Behind "\u". */
static bool take_point(const char **p, const char *end, uint32_t *out)
{
    uint32_t low;

    if (end - *p < 4 || (*out = hex4(*p)) > 0xFFFF)
        return false;
    *p += 4;
    if (*out < 0xD800 || *out > 0xDFFF)
        return true;
    /* A pair of surrogates, or nothing that is text. */
    if (*out > 0xDBFF || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return false;
    low = hex4(*p + 2);
    if (low < 0xDC00 || low > 0xDFFF)
        return false;
    *p += 6;
    *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

char *oxy_json_unescape(const char **p, const char *end, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t point;
    char c;

    if (*p >= end)
        return NULL;
    c = *(*p)++;
    if (c == 'u')
        return take_point(p, end, &point) ? put_utf8(out, point) : NULL;
    found = c == '\0' ? NULL : strchr(from, c);
    if (found == NULL)
        return NULL;
    *out++ = to[found - from];
    return out;
}

char *oxy_json_text(const char *p, const char *end, char *out)
{
    while (out != NULL && p < end) {
        if (*p != '\\') {
            *out++ = *p++;
        } else {
            p++;
            out = oxy_json_unescape(&p, end, out);
        }
    }
    return out;
}
