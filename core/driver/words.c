/* SPDX-License-Identifier: MIT */
/* What kind of statement a text is. */
#include "words.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

size_t oxy__sql_skip_blank(const char *sql, size_t len, size_t i, bool semicolons)
{
    while (i < len) {
        if (isspace((unsigned char)sql[i]) || (semicolons && sql[i] == ';')) {
            i++;
        } else if (sql[i] == '-' && i + 1 < len && sql[i + 1] == '-') {
            while (i < len && sql[i] != '\n')
                i++;
        } else if (sql[i] == '/' && i + 1 < len && sql[i + 1] == '*') {
            i += 2;
            while (i < len && !(sql[i] == '*' && i + 1 < len && sql[i + 1] == '/'))
                i++;
            i = i + 2 > len ? len : i + 2;
        } else {
            break;
        }
    }
    return i;
}

bool oxy__sql_blank(const char *sql, size_t len)
{
    return oxy__sql_skip_blank(sql, len, 0, true) == len;
}

static const struct {
    const char *word;
    oxy__sql_kind kind;
    bool plain; /* a data statement: leaves no trace in the session */
} word_table[] = {
    {"SELECT", OXY__SQL_SELECT, true},  {"VALUES", OXY__SQL_SELECT, true},    {"TABLE", OXY__SQL_SELECT, true},
    {"WITH", OXY__SQL_DML, true},       {"INSERT", OXY__SQL_INSERT, true},    {"REPLACE", OXY__SQL_INSERT, true},
    {"UPDATE", OXY__SQL_DML, true},     {"DELETE", OXY__SQL_DML, true},       {"MERGE", OXY__SQL_DML, true},
    {"EXPLAIN", OXY__SQL_SELECT, true}, {"SHOW", OXY__SQL_SELECT, true},      {"BEGIN", OXY__SQL_BEGIN, false},
    {"START", OXY__SQL_BEGIN, false},   {"SAVEPOINT", OXY__SQL_BEGIN, false}, {"COMMIT", OXY__SQL_COMMIT, false},
    {"END", OXY__SQL_COMMIT, false},    {"RELEASE", OXY__SQL_COMMIT, false},  {"ROLLBACK", OXY__SQL_ROLLBACK, false},
};

/* The first word; a query may stand in parentheses. */
static oxy_sv first_word(const char *sql, size_t len)
{
    size_t start = oxy__sql_skip_blank(sql, len, 0, true), end;

    while (start < len && sql[start] == '(')
        start = oxy__sql_skip_blank(sql, len, start + 1, false);
    end = start;
    while (end < len && isalpha((unsigned char)sql[end]))
        end++;
    return (oxy_sv){sql + start, end - start};
}

static bool is(oxy_sv word, const char *wanted)
{
    return strlen(wanted) == word.len && strncasecmp(wanted, word.p, word.len) == 0;
}

oxy__sql_kind oxy__sql_classify(const char *sql, size_t len, bool *plain)
{
    oxy_sv word;

    *plain = oxy__sql_blank(sql, len);
    if (*plain)
        return OXY__SQL_EMPTY;
    word = first_word(sql, len);
    for (size_t i = 0; i < OXY_COUNT(word_table); i++) {
        if (is(word, word_table[i].word)) {
            *plain = word_table[i].plain;
            return word_table[i].kind;
        }
    }
    return OXY__SQL_OTHER;
}

bool oxy__sql_starts_with(const char *sql, size_t len, const char *word)
{
    return len && is(first_word(sql, len), word);
}

/* End of '...', "..." or $tag$...$tag$ that begins at i; i + 1 if none does. */
static size_t skip_quoted(const char *sql, size_t len, size_t i)
{
    size_t tag = i + 1;

    if (sql[i] == '\'' || sql[i] == '"') {
        for (size_t k = i + 1; k < len; k++)
            if (sql[k] == sql[i])
                return k + 1;
        return len;
    }
    if (sql[i] != '$')
        return i + 1;
    while (tag < len && (isalnum((unsigned char)sql[tag]) || sql[tag] == '_'))
        tag++;
    if (tag == len || sql[tag] != '$')
        return i + 1;
    tag = tag + 1 - i;
    for (size_t k = i + tag; k + tag <= len; k++)
        if (memcmp(sql + k, sql + i, tag) == 0)
            return k + tag;
    return len;
}

bool oxy__sql_several(const char *sql, size_t len)
{
    size_t i = oxy__sql_skip_blank(sql, len, 0, true);

    while (i < len) {
        size_t next = oxy__sql_skip_blank(sql, len, i, false);

        if (next == i && sql[i] == ';')
            return !oxy__sql_blank(sql + i, len - i);
        i = next > i ? next : skip_quoted(sql, len, i);
    }
    return false;
}
