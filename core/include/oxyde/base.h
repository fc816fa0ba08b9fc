/* SPDX-License-Identifier: MIT */
/* base: memory, text, errors, time. Everything else stands on this header.
 *
 * Rules that hold in the whole of core/:
 *  - Every allocation goes through an oxy_alloc, so that a test can make call
 *    number N fail. No mutable globals.
 *  - A call that can fail returns oxy_rc and must be checked. Words about the
 *    failure go into an oxy_err that the caller owns.
 *  - Verbs tell lifetime: init/fini (caller's storage), new/free (heap),
 *    open/close (system resource), get (borrowed), take (ownership moves). */
#ifndef OXYDE_BASE_H
#define OXYDE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OXY_MUSTUSE __attribute__((warn_unused_result))
#define OXY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define OXY_COUNT(array) (sizeof(array) / sizeof *(array))

/* --- errors ------------------------------------------------------------ */

/* One row per code: name, exception class of the Python package. The enum,
 * oxy_rc_name() and the binding's exception table all come from this list. */
#define OXY_RC_LIST(X)                                                                                                 \
    X(OK, "")                                                                                                          \
    X(NOMEM, "MemoryError")                                                                                            \
    X(VALUE, "ValueError")                                                                                             \
    X(TYPE, "TypeError")                                                                                               \
    X(FIELD, "FieldError")                                                                                             \
    X(LOOKUP, "FieldLookupError")                                                                                      \
    X(LOOKUP_VALUE, "FieldLookupValueError")                                                                           \
    X(MANAGER, "ManagerError")                                                                                         \
    X(INTERFACE, "InterfaceError")                                                                                     \
    X(DATABASE, "DatabaseError")                                                                                       \
    X(DATA, "DataError")                                                                                               \
    X(OPERATIONAL, "OperationalError")                                                                                 \
    X(CONNECTION_LOST, "ConnectionLostError")                                                                          \
    X(COMMIT_UNKNOWN, "CommitUnknownError")                                                                            \
    X(POOL_TIMEOUT, "PoolTimeoutError")                                                                                \
    X(CANCELED, "QueryCanceled")                                                                                       \
    X(STATEMENT_TIMEOUT, "StatementTimeout")                                                                           \
    X(LOCK_TIMEOUT, "LockTimeout")                                                                                     \
    X(TRANSACTION_TIMEOUT, "TransactionTimeoutError")                                                                  \
    X(TRANSACTION_ABORTED, "TransactionAbortedError")                                                                  \
    X(SERIALIZATION, "SerializationError")                                                                             \
    X(DEADLOCK, "DeadlockError")                                                                                       \
    X(INTEGRITY, "IntegrityError")                                                                                     \
    X(UNIQUE, "UniqueViolationError")                                                                                  \
    X(FOREIGN_KEY, "ForeignKeyViolationError")                                                                         \
    X(NOT_NULL, "NotNullViolationError")                                                                               \
    X(CHECK, "CheckViolationError")                                                                                    \
    X(INTERNAL, "InternalError")                                                                                       \
    X(PROGRAMMING, "ProgrammingError")                                                                                 \
    X(NOT_SUPPORTED, "NotSupportedError")

typedef enum oxy_rc {
#define X(name, exception) OXY_##name,
    OXY_RC_LIST(X)
#undef X
        OXY_RC_COUNT
} oxy_rc;

/* Name of the exception class for a code; "" for OXY_OK. Static storage. */
const char *oxy_rc_exception(oxy_rc rc);

/* What went wrong, in fixed storage: filling it in cannot fail. Text longer
 * than its field is cut at a UTF-8 boundary and ends in "...". */
enum {
    OXY_ERR_NOT_READY = 1u << 0, /* connecting: nobody listens, or not yet; a later attempt may succeed */
    OXY_ERR_UNSENT = 1u << 1,    /* the statement provably did not run: another connection may take it */
    OXY_ERR_READ_ONLY = 1u << 2  /* a server that was asked for as writable is not (any more) */
};

typedef struct oxy_err {
    oxy_rc rc;
    uint32_t flags;     /* OXY_ERR_* */
    int32_t native;     /* SQLite extended code, MySQL number; 0 if none */
    char sqlstate[6];   /* "" if none */
    char message[1024]; /* the primary message, without values or secrets */
    char detail[512];   /* may hold row values; never part of message */
    char hint[256];
    char constraint[256];
    char table[256];
    char column[256];
} oxy_err;

/* Empties every field. */
void oxy_err_clear(oxy_err *err);
/* Sets code and message, clears the rest, and returns rc, so that a function
 * can end in `return oxy_err_set(err, OXY_DATA, "...")`. err may be NULL. */
oxy_rc oxy_err_set(oxy_err *err, oxy_rc rc, const char *fmt, ...) OXY_PRINTF(3, 4);
/* Copies src of len bytes into a field of size cap, cut as described above. */
void oxy_err_copy(char *field, size_t cap, const char *src, size_t len);

/* --- memory ------------------------------------------------------------ */

/* The allocator of one owner. realloc(ctx, NULL, n) allocates,
 * realloc(ctx, p, 0) frees and returns NULL. Must be callable from any thread
 * that uses the owner. */
typedef struct oxy_alloc {
    void *(*realloc)(void *ctx, void *p, size_t size);
    void *ctx;
} oxy_alloc;

/* malloc and friends. Static, const. */
const oxy_alloc *oxy_alloc_default(void);

/* NULL when memory is out or size is 0. zalloc clears; count*size is checked. */
OXY_MUSTUSE void *oxy_alloc_new(const oxy_alloc *a, size_t size);
OXY_MUSTUSE void *oxy_alloc_zero(const oxy_alloc *a, size_t count, size_t size);
OXY_MUSTUSE void *oxy_alloc_resize(const oxy_alloc *a, void *p, size_t size);
void oxy_alloc_free(const oxy_alloc *a, void *p); /* p may be NULL */

/* Memory freed as a whole: one arena per compile, diff or request.
 * Owner: whoever called init; release with fini. Pointers into it live until
 * reset or fini. Never grows past limit bytes; then every call returns NULL
 * and failed stays true until reset. */
typedef struct oxy_arena {
    const oxy_alloc *alloc;
    struct oxy_arena_block *head;
    char *p, *end;
    size_t used, limit;
    bool failed;
} oxy_arena;

void oxy_arena_init(oxy_arena *a, const oxy_alloc *alloc, size_t limit);
/* Same, starting in storage of the caller (typically on its stack), which
 * must outlive the arena. */
void oxy_arena_init_in(oxy_arena *a, const oxy_alloc *alloc, size_t limit, void *first, size_t size);
void oxy_arena_reset(oxy_arena *a); /* keeps at most one block for reuse */
void oxy_arena_fini(oxy_arena *a);
/* Aligned for any type; not cleared / cleared. size 0 gives a valid pointer. */
OXY_MUSTUSE void *oxy_arena_new(oxy_arena *a, size_t size);
OXY_MUSTUSE void *oxy_arena_zero(oxy_arena *a, size_t count, size_t size);
/* A NUL-terminated copy of len bytes. */
OXY_MUSTUSE char *oxy_arena_copy(oxy_arena *a, const char *p, size_t len);

/* --- text -------------------------------------------------------------- */

/* A borrowed run of bytes, UTF-8 unless said otherwise, not NUL-terminated. */
typedef struct oxy_sv {
    const char *p;
    size_t len;
} oxy_sv;

oxy_sv oxy_sv_of(const char *nul_terminated); /* NULL gives an empty view */
bool oxy_sv_eq(oxy_sv a, oxy_sv b);
#define OXY_SV(literal) ((oxy_sv){"" literal, sizeof(literal) - 1})
#define OXY_SV_ARG(sv) (int)(sv).len, (sv).p /* for "%.*s" */

/* Text under construction.
 * Owner: whoever called init; release with fini, or hand on with take.
 * The first failure sticks: later appends do nothing, so a compiler checks
 * once, at the end. Never grows past limit; p is NUL-terminated after put. */
typedef struct oxy_buf {
    const oxy_alloc *alloc;
    char *p;
    size_t len, cap, limit;
    oxy_rc rc; /* OXY_OK, OXY_NOMEM, or OXY_DATA once the limit is passed */
} oxy_buf;

void oxy_buf_init(oxy_buf *b, const oxy_alloc *alloc, size_t limit);
void oxy_buf_fini(oxy_buf *b);
void oxy_buf_reset(oxy_buf *b); /* empties, keeps the memory, clears rc */
void oxy_buf_put(oxy_buf *b, const char *p, size_t len);
void oxy_buf_puts(oxy_buf *b, const char *nul_terminated);
void oxy_buf_putc(oxy_buf *b, char c);
void oxy_buf_putu(oxy_buf *b, uint64_t number); /* in decimal */
void oxy_buf_printf(oxy_buf *b, const char *fmt, ...) OXY_PRINTF(2, 3);
/* Moves the text to the caller, who frees it with the buffer's allocator; the
 * buffer is empty after. Fails with the sticky code, and then *text is NULL. */
OXY_MUSTUSE oxy_rc oxy_buf_take(oxy_buf *b, char **text, size_t *len);

/* Length of the valid UTF-8 prefix of p; equal to len if all of it is valid. */
size_t oxy_utf8_valid(const char *p, size_t len);

/* --- hashing ------------------------------------------------------------ */

/* 64-bit hash of bytes for in-process tables; not stable over versions.
 * Tables compare the full key after the hash, so a collision costs time only. */
uint64_t oxy_hash(const void *p, size_t len, uint64_t seed);

/* --- time ---------------------------------------------------------------- */

typedef int64_t oxy_ns; /* nanoseconds of a monotonic clock */
#define OXY_NS_PER_MS INT64_C(1000000)
#define OXY_NS_PER_S INT64_C(1000000000)
#define OXY_NS_NEVER INT64_MAX

/* The system's monotonic clock. State machines get `now` as an argument. */
oxy_ns oxy_clock_now(void);

#ifdef __cplusplus
}
#endif
#endif
