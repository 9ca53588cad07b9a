/*
 * compat.h
 *	  Every test of PG_VERSION_NUM in omni lives here.
 *
 * PostgreSQL 15 is the floor; the code compiles on 15 to 18.
 */
#ifndef OMNI_COMPAT_H
#define OMNI_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "omni needs PostgreSQL 15 or later"
#endif

/* A foreign scan's path: 17 added a list of join clauses, 18 a count. */
#if PG_VERSION_NUM >= 180000
#define omni_create_foreignscan_path(root, rel, rows, startup, total, keys, private) \
	create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, keys, \
							(rel)->lateral_relids, NULL, NIL, private)
#elif PG_VERSION_NUM >= 170000
#define omni_create_foreignscan_path(root, rel, rows, startup, total, keys, private) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, keys, \
							(rel)->lateral_relids, NULL, NIL, private)
#else
#define omni_create_foreignscan_path(root, rel, rows, startup, total, keys, private) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, keys, \
							(rel)->lateral_relids, NULL, private)
#endif

/* Which way a path key runs: a strategy number, and from 18 a comparison. */
#if PG_VERSION_NUM >= 180000
#define OMNI_PATHKEY_DESCENDS(key) ((key)->pk_cmptype == COMPARE_GT)
#else
#define OMNI_PATHKEY_DESCENDS(key) \
	((key)->pk_strategy == BTGreaterStrategyNumber)
#endif

#endif							/* OMNI_COMPAT_H */
