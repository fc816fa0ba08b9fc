/* SPDX-License-Identifier: MIT */
/* Values out of the dicts of rows to insert. Instances that were made by calling their
 * class have dicts that share one table of names, so that a value's place is the same in
 * all of them; walking through a dict takes 50 instructions a value, and each row is
 * read twice: for the columns that it writes, and for their values. */
#include "construct.h"
#include "insert.h"

/* Finding the places out takes as long as walking through a few rows. */
#define WORTH 4
/* How many names between two columns are passed over before the next is looked up. */
#define PASSED_OVER 3

int oxypy_insert_places_init(oxypy_state *st, const oxypy_plan *plan, Py_ssize_t n_rows, oxypy_insert_places *p)
{
    *p = (oxypy_insert_places){NULL, NULL};
    if (n_rows < WORTH || plan->n_fields == 0) {
        return 0;
    }
    p->of = PyMem_Malloc(plan->n_fields * sizeof *p->of);
    if (!p->of) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0, at = 0; i < plan->n_fields; i++) {
        p->of[i] = oxypy_construct_place(st, plan->model, plan->fields[i].name, &at);
    }
    p->template_dict = Py_XNewRef(oxypy_construct_template(st, plan->model));
    return 0;
}

void oxypy_insert_places_fini(oxypy_insert_places *p)
{
    PyMem_Free(p->of);
    Py_CLEAR(p->template_dict);
}

PyObject *oxypy__insert_walk_on(oxypy_insert_walk *w, PyObject *name)
{
    PyObject *key, *value;
    Py_ssize_t at = w->at;

    for (unsigned i = 0; i <= PASSED_OVER && PyDict_Next(w->dict, &at, &key, &value); i++) {
        if (key == name) {
            w->at = at;
            return value;
        }
    }
    return PyDict_GetItemWithError(w->dict, name);
}
