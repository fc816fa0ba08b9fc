/* SPDX-License-Identifier: MIT */
/* oxyde._mysql: nothing but the driver, in a module of its own, so that a
 * missing libmariadb costs this database only. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <oxyde/driver.h>

static int exec(PyObject *module)
{
    PyObject *capsule = PyCapsule_New((void *)(uintptr_t)&oxy_driver_mysql, "oxyde._mysql.driver", NULL);
    int rc = capsule == NULL ? -1 : PyModule_AddObjectRef(module, "driver", capsule);

    Py_XDECREF(capsule);
    return rc;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "oxyde._mysql",
    .m_doc = PyDoc_STR("The driver for MySQL and MariaDB. Private to oxyde."),
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__mysql(void);

PyMODINIT_FUNC PyInit__mysql(void)
{
    return PyModuleDef_Init(&definition);
}
