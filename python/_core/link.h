/* SPDX-License-Identifier: MIT */
/* Rows of a relation for many rows at once, as prefetch() loads them.
 *
 * A query whose state has `link`, the tuple (owner model, name of its relation,
 * keys), reads the rows at the other end whose near columns are among the keys.
 * Every row brings its key along, so that Links (stitch.c) can hand it to those
 * who have it; its slice counts per key. */
#ifndef OXYPY_LINK_H
#define OXYPY_LINK_H

#include "relation.h"

/* Adds keys, junction and condition to a select that has its own columns and
 * conditions already. 0 / -1. */
int oxypy_link_begin(oxypy_build *cx, oxypy_query *q, oxy_select *select, oxypy_selection *sel);
/* The order of rows that have none of their own. 0 / -1. */
int oxypy_link_order(oxypy_build *cx, oxypy_query *q, const oxypy_selection *sel, bool grouped, oxy_orders *order);
/* 1: Links bring such rows into that order themselves, so that the statement has
 * none; notes in sel by which column, and adds it if need be. 0: they do not; -1. */
int oxypy_link_unordered(oxypy_build *cx, const oxypy_query *q, oxypy_selection *sel, bool grouped,
                         const oxy_orders *order);
/* After everything else: joins the junction, and numbers the rows of each key
 * where the query has a slice. 0 / -1. */
int oxypy_link_end(oxypy_build *cx, oxypy_query *q, oxy_select *select, oxypy_selection *sel);

#endif
