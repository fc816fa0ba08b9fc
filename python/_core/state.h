/* SPDX-License-Identifier: MIT */
/* The one place of module state: types, interned names, imported callables.
 * Reached through the defining class or oxypy_state(module); never a global. */
#ifndef OXYPY_STATE_H
#define OXYPY_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
/* Its capsule pointer is static; files without dates leave it unused. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable"
#include <datetime.h>
#pragma GCC diagnostic pop

#include <oxyde/base.h>
#include <oxyde/value.h>

/* Interned attribute and method names: X(c_name, "text"). */
#define OXYPY_NAME_LIST(X)                                                                                             \
    X(dict, "__dict__")                                                                                                \
    X(setattr, "__setattr__")                                                                                          \
    X(getattr, "__getattr__")                                                                                          \
    X(getattribute, "__getattribute__")                                                                                \
    X(fields_set, "__pydantic_fields_set__")                                                                           \
    X(extra, "__pydantic_extra__")                                                                                     \
    X(private_, "__pydantic_private__")                                                                                \
    X(state, "__oxyde_state__")                                                                                        \
    X(plan, "__oxyde_plan__")                                                                                          \
    X(init, "__init__")                                                                                                \
    X(construction, "__oxyde_construction__")                                                                          \
    X(validator, "__pydantic_validator__")                                                                             \
    X(validate_python, "validate_python")                                                                              \
    X(model_post_init, "model_post_init")                                                                              \
    X(set_exception, "set_exception")                                                                                  \
    X(cancelled, "cancelled")                                                                                          \
    X(result, "result")                                                                                                \
    X(add_reader, "add_reader")                                                                                        \
    X(remove_reader, "remove_reader")                                                                                  \
    X(call_later, "call_later")                                                                                        \
    X(call_soon, "call_soon")                                                                                          \
    X(asyncio_running, "__asyncio_running_event_loop__")                                                               \
    X(ready, "_ready")                                                                                                 \
    X(scheduled, "_scheduled")                                                                                         \
    X(when, "_when")                                                                                                   \
    X(send, "send")                                                                                                    \
    X(throw_, "throw")                                                                                                 \
    X(close, "close")                                                                                                  \
    X(value, "value")                                                                                                  \
    X(int_, "int")                                                                                                     \
    X(is_safe, "is_safe")                                                                                              \
    X(default_, "default")                                                                                             \
    X(is_finite, "is_finite")                                                                                          \
    X(pre_save, "pre_save")                                                                                            \
    X(pre_delete, "pre_delete")                                                                                        \
    X(post_delete, "post_delete")                                                                                      \
    X(post_save, "post_save")                                                                                          \
    X(issuperset, "issuperset") X(update, "update") X(rollback_to, "ROLLBACK TO")

typedef struct oxypy_state {
    /* types of this module */
    PyTypeObject *expr_type;       /* expr.c */
    PyTypeObject *plan_type;       /* plan.c */
    PyTypeObject *query_type;      /* query_state.c: QueryState */
    PyTypeObject *insert_type;     /* insert.c: InsertState */
    PyTypeObject *compiled_type;   /* compiled.c */
    PyTypeObject *operation_type;  /* operation.c */
    PyObject *spare_operations[4]; /* memory of operations that are over, for the next ones */
    uint32_t n_spare_operations;
    PyTypeObject *database_type;     /* database.c */
    PyTypeObject *session_type;      /* session.c */
    PyTypeObject *loop_type;         /* loop.c */
    PyTypeObject *wakeup_type;       /* wakeup.c */
    PyTypeObject *fields_set_type;   /* fields_set.c */
    PyTypeObject *construction_type; /* construct.c: Construction */
    PyTypeObject *state_type;        /* instance_state.c: InstanceState */
    PyTypeObject *links_type;        /* stitch.c: Links */
    PyTypeObject *terminal_type;     /* terminal.c: Terminal */
    PyTypeObject *stream_type;       /* stream.c: Stream */
    PyTypeObject *step_type;         /* stream.c: what awaits a Stream */
    PyTypeObject *plain_exprs[6];    /* expr.c: subclasses that last, then NULL; set by use_plain_expressions() */

    /* exceptions by code, from OXY_RC_LIST; set by _core.bind_exceptions() */
    PyObject *exceptions[OXY_RC_COUNT];
    PyObject *not_found_error, *multiple_objects_error, *unknown_alias_error, *not_loaded_error;

    /* things imported once */
    PyObject *decimal_type, *uuid_type, *safe_unknown; /* uuid.SafeUUID.unknown */
    PyObject *enum_type, *timedelta_type, *ip_types;   /* tuple of the six classes */
    PyObject *ip_interface, *ip_network, *ip_address;  /* factory callables */
    PyObject *json_loads, *json_dumps;                 /* see to_c.h for the options */
    PyObject *current_task, *get_running_loop;
    PyObject *gather_code;   /* of asyncio.gather(), or NULL where it is not written in Python */
    PyObject *current_tasks; /* loop -> task, where current_task is written in Python; or NULL */
    PyObject *cancelled_error, *invalid_state_error;
    PyObject *schema_validator;         /* pydantic_core.SchemaValidator */
    PyObject *self_keyword;             /* ("self_instance",) */
    PyObject *warn_of_another;          /* () -> None, set by allow_direct_init() */
    PyObject *construction_of;          /* (model) -> Construction, kept in the class; set by allow_direct_init() */
    PyObject *pre_save, *post_save;     /* hooks that do nothing, set by use_hooks() (writing.c) */
    PyObject *pre_delete, *post_delete; /* the same (deleting.c) */
    /* The class called last, its version (0: none) and construction; borrowed, true as long as the
     * class has that version (construct.c). */
    PyTypeObject *latest_type;
    PyObject *latest_construction;
    unsigned int latest_version;
    PyObject *given_type;               /* class of shared sets of fields (fields_set.c); set by allow_direct_init() */
    PyObject *leaf_dict, *leaf_setattr; /* Model's own __dict__ and __setattr__; set by watch_dict() (leaf.c) */
    PyObject *context_keyword;          /* ("context",) */
    PyObject *validation_error;         /* pydantic_core.ValidationError */
    PyDateTime_CAPI *datetime;
    PyObject *utc;

    /* where uuid.UUID keeps its parts (-1: not in slots), for to_py.c */
    Py_ssize_t uuid_int, uuid_is_safe;
    bool decimal_known;                      /* decimal.c: objects of decimal_type are written and read directly */
    uint64_t last_uid;                       /* of tables (plan.c); guarded by the GIL */
    struct oxypy_json_strings *json_strings; /* json_text.c; guarded by the GIL, unused without one */

    /* callbacks into the package, set by _core.bind_package() */
    PyObject *registry;          /* dict alias -> Database */
    PyObject *explain_unknown;   /* (model, name, kind) -> raises with near misses */
    PyObject *without_returning; /* (**statement) -> coroutine, for servers without RETURNING */
    PyObject *read_and_load;     /* (query, sink, limit, (using, client, write)) -> coroutine, for prefetches */
    PyObject *operation_names, *run_names; /* tuples: keywords of operation() and Session._run() */
    PyObject *plan_of;                     /* (model) -> Plan; finalises a pending model */

#define X(c_name, text) PyObject *s_##c_name;
    OXYPY_NAME_LIST(X)
#undef X

    /* counters of all statement caches (compiled.c); guarded by the GIL */
    uint64_t cache_hits, cache_misses, cache_evictions, cache_size;

    struct oxypy_runtime *runtime; /* loops, gates, one lock: runtime.h */
} oxypy_state;

extern struct PyModuleDef oxypy_module;

oxypy_state *oxypy_state_of_module(PyObject *module);
/* For slots, which get no defining class: the type must be one of ours. */
oxypy_state *oxypy_state_of_type(PyTypeObject *type);

/* Each file that owns types provides one of these; module.c calls them in order.
 * 0, or -1 with an exception. */
int oxypy_expr_init(PyObject *module, oxypy_state *st);
int oxypy_plan_init(PyObject *module, oxypy_state *st);
int oxypy_instance_state_init(PyObject *module, oxypy_state *st);
int oxypy_fields_set_init(PyObject *module, oxypy_state *st);
int oxypy_construct_init(PyObject *module, oxypy_state *st);
int oxypy_class_attributes_init(PyObject *module, oxypy_state *st);
int oxypy_direct_init_init(PyObject *module, oxypy_state *st); /* direct_init.c: how instances are made */
int oxypy_query_state_init(PyObject *module, oxypy_state *st);
int oxypy_insert_init(PyObject *module, oxypy_state *st);
int oxypy_links_init(PyObject *module, oxypy_state *st);
int oxypy_compiled_init(PyObject *module, oxypy_state *st);
int oxypy_loop_init(PyObject *module, oxypy_state *st);
int oxypy_wakeup_init(PyObject *module, oxypy_state *st);
int oxypy_database_init(PyObject *module, oxypy_state *st);
int oxypy_session_init(PyObject *module, oxypy_state *st);
int oxypy_operation_init(PyObject *module, oxypy_state *st);
int oxypy_stream_init(PyObject *module, oxypy_state *st);
int oxypy_writing_init(PyObject *module, oxypy_state *st);
int oxypy_terminal_init(PyObject *module, oxypy_state *st);
int oxypy_constants_init(PyObject *module);                    /* constants.c: K_*, FN_*, OP_*, ... from the X lists */
int oxypy_ddl_init(PyObject *module, oxypy_state *st);         /* ddl.c */
int oxypy_schema_diff_init(PyObject *module, oxypy_state *st); /* schema_diff.c */
int oxypy_schema_change_init(PyObject *module, oxypy_state *st); /* schema_change.c */

/* --- errors.c ---------------------------------------------------------------- */

/* Raises the exception for err: class by code, attributes filled in (sqlstate,
 * code, constraint, table, column, detail, hint, sql, backend, alias). sql,
 * backend and alias may be NULL. Always returns NULL. */
PyObject *oxypy_raise(oxypy_state *st, const oxy_err *err, PyObject *sql, const char *backend, PyObject *alias);
/* The exception class of a code with a text as PyErr_Format writes it. Always
 * returns NULL. */
PyObject *oxypy_raise_text(oxypy_state *st, oxy_rc rc, const char *fmt, ...);

#endif
