/*
 * owner.h
 *	  Running a few statements with the rights of the extension's owner.
 *
 * For C code that users reach without SECURITY DEFINER (row policies,
 * triggers, the view of the feed).  An error in between gives the caller's
 * rights and settings back with the (sub)transaction.
 */
#ifndef OMNI_CORE_OWNER_H
#define OMNI_CORE_OWNER_H

#include "core/core.h"

/* what all of omni's SQL is written for */
#define OMNI_SEARCH_PATH "pg_catalog, pg_temp"

typedef struct OmniOwnerScope
{
	Oid			user;
	int			context;
	int			guc_level;		/* 0: settings were left alone */
} OmniOwnerScope;

/*
 * Become the owner.  "planning" also pins what a statement's meaning and plan
 * hang on: search_path, and index scans instead of guesses about new rows.
 */
extern void omni_core_owner_begin(OmniOwnerScope *scope, bool planning);
extern void omni_core_owner_end(OmniOwnerScope *scope);
/* Who that is. */
extern Oid	omni_core_owner(void);
/* The same, InvalidOid where the extension is not installed. */
extern Oid	omni_core_owner_if_any(void);

#endif							/* OMNI_CORE_OWNER_H */
