/* SPDX-License-Identifier: MIT */
/* Replicas: which one a plain read uses, and what becomes of one that does not
 * answer. Everything here runs with the GIL, on the thread of some loop. */
#include "runtime_private.h"

#define SPAN_FIRST (OXY_NS_PER_S / 2)
#define SPAN_MOST (30 * OXY_NS_PER_S)

static void set_aside(oxypy_database *replica)
{
    replica->ailing_span = replica->ailing_span == 0 ? SPAN_FIRST : replica->ailing_span * 2;
    if (replica->ailing_span > SPAN_MOST)
        replica->ailing_span = SPAN_MOST;
    replica->ailing_until = oxy_clock_now() + replica->ailing_span;
}

void oxypy_replica_recovered(oxypy_database *replica)
{
    replica->ailing_until = replica->ailing_span = 0;
}

/* --- connecting again ------------------------------------------------------------------- */

/* The callback of the task that connected it; self is the replica. */
static PyObject *revived(PyObject *self, PyObject *task)
{
    oxypy_database *replica = (oxypy_database *)self;
    PyObject *result = PyObject_CallMethod(task, "result", NULL);

    Py_CLEAR(replica->reviving);
    if (result != NULL) {
        oxypy_replica_recovered(replica);
        Py_DECREF(result);
    } else {
        PyErr_Clear(); /* as before: it is tried again later, and health() tells why */
        set_aside(replica);
    }
    Py_RETURN_NONE;
}

static PyMethodDef revived_def = {"_revived", revived, METH_O, NULL};

static int revive(oxypy_operation *op, oxypy_database *replica)
{
    PyObject *loop, *coroutine = NULL, *callback = NULL, *done = NULL;

    if (replica->reviving != NULL)
        return 0;
    loop = oxypy_loop_object(op->loop);
    if (loop == NULL)
        return 0;
    coroutine = PyObject_CallMethod((PyObject *)replica, "ensure_connected", NULL);
    if (coroutine != NULL)
        replica->reviving = PyObject_CallMethod(loop, "create_task", "O", coroutine);
    callback = replica->reviving == NULL ? NULL : PyCFunction_New(&revived_def, (PyObject *)replica);
    if (callback != NULL)
        done = PyObject_CallMethod(replica->reviving, "add_done_callback", "O", callback);
    Py_DECREF(loop);
    Py_XDECREF(coroutine);
    Py_XDECREF(callback);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* --- choosing ----------------------------------------------------------------------------- */

static uint32_t load_of(const oxypy_database *db)
{
    oxy_pool_stats stats;

    oxypy_lock(db->store->runtime);
    oxy_pool_get_stats(db->store->pool, &stats);
    oxypy_unlock(db->store->runtime);
    return stats.busy + stats.waiting;
}

/* Whether it may be used now. One that failed is tried by one statement when its
 * time has come, while the others still go elsewhere. -1 with an exception. */
static int is_fit(oxypy_operation *op, oxypy_database *replica, oxy_ns now)
{
    if (replica->ailing_until > now)
        return 0;
    if (!oxypy_database_is_open(replica))
        return revive(op, replica) < 0 ? -1 : 0;
    return 1;
}

/* Of these; borrowed. NULL with an exception. */
static oxypy_database *choose(oxypy_operation *op, PyObject *replicas, oxypy_database *db, bool any)
{
    oxypy_database *best = NULL, *open = NULL;
    oxy_ns now = oxy_clock_now();
    uint32_t least = UINT32_MAX;

    for (Py_ssize_t i = 0; replicas != NULL && i < PyTuple_GET_SIZE(replicas); i++) {
        oxypy_database *replica = (oxypy_database *)PyTuple_GET_ITEM(replicas, i);
        int fit = is_fit(op, replica, now);
        uint32_t load;

        if (fit < 0)
            return NULL;
        if (open == NULL && oxypy_database_is_open(replica))
            open = replica;
        if (fit == 0)
            continue;
        load = replica->ailing_until != 0 ? 0 : load_of(replica); /* to be tried: first choice */
        if (load < least) {
            least = load;
            best = replica;
        }
    }
    if (best != NULL && best->ailing_until != 0)
        best->ailing_until = now + best->ailing_span + 1;
    if (best != NULL)
        return best;
    return any && open != NULL ? open : db;
}

/* Connecting one of them again runs Python code, which may give the database others. */
oxypy_database *oxypy_replica_choose(oxypy_operation *op, oxypy_database *db, bool any)
{
    PyObject *replicas = Py_XNewRef(db->replicas);
    PyObject *chosen = Py_XNewRef((PyObject *)choose(op, replicas, db, any));

    Py_XDECREF(replicas);
    return (oxypy_database *)chosen;
}

/* --- failing -------------------------------------------------------------------------------- */

bool oxypy_replica_failed(oxypy_operation *op)
{
    oxypy_state *st = op->st;

    if (!op->on_replica)
        return false;
    /* A pool that is full is no sign of illness. */
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(st->exceptions[OXY_OPERATIONAL]) ||
            PyErr_ExceptionMatches(st->exceptions[OXY_POOL_TIMEOUT]))
            return false;
        PyErr_Clear();
    }
    set_aside(op->database);
    op->on_replica = false;
    if (op->has_prepared)
        oxypy_prepared_fini(&op->prepared);
    op->has_prepared = false;
    return true;
}
