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

/* Headers that moved: those of varlena in 16, those of EXPLAIN in 18. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/*
 * Symbols are hidden by default.  From 16 on PG_FUNCTION_INFO_V1 exports the
 * function itself; 15 exports its info record alone.  (Needs fmgr.h first.)
 */
#if PG_VERSION_NUM < 160000
#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname) \
extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS); \
extern PGDLLEXPORT const Pg_finfo_record * CppConcat(pg_finfo_,funcname)(void); \
const Pg_finfo_record * \
CppConcat(pg_finfo_,funcname) (void) \
{ \
	static const Pg_finfo_record my_finfo = { 1 }; \
	return &my_finfo; \
} \
extern int no_such_variable
#endif

/*
 * An error in a type's input that the caller may want to hear of softly
 * (pg_input_is_valid(), COPY … ON_ERROR), from 16 on; returns from the calling
 * function.
 */
#if PG_VERSION_NUM >= 160000
#define OMNI_REJECT(context, ...) ereturn(context, (Datum) 0, __VA_ARGS__)
#else
#define OMNI_REJECT(context, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return (Datum) 0; \
	} while (0)
#endif

/* 18 has a prefix, pg_noreturn, in its place */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* pg_database.datconnlimit of a database whose DROP was interrupted */
#define OMNI_DATCONNLIMIT_INVALID_DB (-2)

/*
 * What a process waits for, as pg_stat_activity shows it: 15 and 16 know one
 * name, "Extension".
 */
#if PG_VERSION_NUM >= 170000
#define omni_wait_event(name) WaitEventExtensionNew(name)
#else
#define omni_wait_event(name) PG_WAIT_EXTENSION
#endif

/* transaction_timeout exists */
#define OMNI_HAVE_TRANSACTION_TIMEOUT (PG_VERSION_NUM >= 170000)

/* Does the role own the database? */
#if PG_VERSION_NUM >= 160000
#define omni_owns_database(database, role) \
	object_ownercheck(DatabaseRelationId, database, role)
#else
#define omni_owns_database(database, role) \
	pg_database_ownercheck(database, role)
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
