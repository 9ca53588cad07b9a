/*
 * access.c
 *	  Access profiles: what a role may call, read and act for.
 *
 * - omni_internal.access says, by role name, which profiles a role has, and
 *	 for which channel and node.  It is a dumped table, because policies made at
 *	 run time are not dumped; the policies of the install scripts ask it.
 * - SQL's own rights come with a profile: omni_internal.profile_grant lists
 *	 what each may call and read, and granting a profile grants that.  GRANT is
 *	 dumped, too.
 * - Who is asking is GetOuterUserId(): it follows SET ROLE, as poolers need,
 *	 and not SECURITY DEFINER.  Where the server runs code of a role that others
 *	 did not choose to run (index expressions, materialized views), it is the
 *	 role whose code that is; see omni_core_asker_if_known().  Membership in a role that has a profile counts,
 *	 as far as it is inherited.  Superusers and the extension's owner may
 *	 everything.
 * - A session keeps the profiles of the role that asked last.  Changes of the
 *	 table (by a trigger that sends an invalidation), of roles and of their
 *	 members drop them.  They are read under a catalog snapshot, so that a
 *	 right taken away counts at once, whatever snapshot the caller reads by.
 * - Granting and revoking exclude each other until commit by a lock on the
 *	 table: the rights of one function are one row of a catalog.
 */
#include "omni.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "core/private.h"

PG_FUNCTION_INFO_V1(omni_core_grant_access);
PG_FUNCTION_INFO_V1(omni_core_revoke_access);
PG_FUNCTION_INFO_V1(omni_core_refresh_access);
PG_FUNCTION_INFO_V1(omni_core_may_sql);
PG_FUNCTION_INFO_V1(omni_core_may_see_channel);
PG_FUNCTION_INFO_V1(omni_core_may_see_node);
PG_FUNCTION_INFO_V1(omni_core_may_see_person);
PG_FUNCTION_INFO_V1(omni_core_access_changed);

static const struct
{
	const char *name;
	OmniProfile bit;
}			profiles[] =
{
	{"reader", OMNI_PROFILE_READER},
	{"channel", OMNI_PROFILE_CHANNEL},
	{"store", OMNI_PROFILE_STORE},
	{"support", OMNI_PROFILE_SUPPORT},
	{"admin", OMNI_PROFILE_ADMIN},
};

/* One row of the access table that counts for the role. */
typedef struct Grant
{
	int			profile;		/* its bit */
	int64		channel;		/* 0: every one */
	int64		node;			/* 0: every one */
} Grant;

/* What the role that asked last may do. */
static struct
{
	bool		valid;
	Oid			role;
	bool		everything;
	int			ngrants;
	Grant	   *grants;
} asked;

static uint64 generation = 0;	/* counts messages that drop the above */
static Oid	access_relation = InvalidOid;
static OmniCodeResolver channel_resolver = NULL;
static OmniCodeResolver node_resolver = NULL;

/* Codes of channels and nodes are known to the right of core. */
void
omni_core_register_code_resolvers(OmniCodeResolver channel,
								  OmniCodeResolver node)
{
	channel_resolver = channel;
	node_resolver = node;
}

/* ---- asking ---- */

/*
 * Who is asking; InvalidOid where nobody can tell.
 *
 * ANALYZE, autovacuum, REINDEX and REFRESH MATERIALIZED VIEW run expressions
 * and queries of a table's owner in a security-restricted operation, which
 * lends that owner's rights and no others: the outer user is then whoever
 * maintains the table, often a superuser, and has asked for nothing.  It is
 * the current user who asks, unless a function that is SECURITY DEFINER has
 * replaced that one as well.
 */
Oid
omni_core_asker_if_known(void)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	if (likely((context & SECURITY_RESTRICTED_OPERATION) == 0))
		return GetOuterUserId();
	return (context & SECURITY_LOCAL_USERID_CHANGE) ? InvalidOid : user;
}

/* The same; OM005 where nobody can tell. */
Oid
omni_core_asker(void)
{
	Oid			role = omni_core_asker_if_known();

	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_PERMITTED),
				 errmsg("cannot do this within a security-restricted operation"),
				 errdetail("Index expressions and materialized views run so, and here it is not known which role asks.")));
	return role;
}

/* Callback: roles or their members changed. */
static void
roles_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	asked.valid = false;
	generation++;
}

/* Callback: the table of profiles changed, or all relations may have. */
static void
access_relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == access_relation)
		roles_changed(0, 0, 0);
}

/* Bit of a profile, 0 when there is none of that name. */
static int
profile_bit(const char *name)
{
	for (int i = 0; i < lengthof(profiles); i++)
	{
		if (strcmp(profiles[i].name, name) == 0)
			return profiles[i].bit;
	}
	return 0;
}

/* The rows of the access table, with the oids of roles that exist. */
static void
read_access(OmniRows *rows)
{
	static OmniQuery query = {
		.sql = "SELECT r.oid, a.profile, a.channel_id, a.node_id"
		" FROM omni_internal.access AS a"
		" JOIN pg_catalog.pg_roles AS r ON r.rolname = a.role_name",
	};
	Snapshot	snapshot;

	snapshot = RegisterSnapshot(GetCatalogSnapshot(access_relation));
	omni_core_query_snapshot(&query, NULL, NULL, snapshot, rows);
	UnregisterSnapshot(snapshot);
}

/* Work out what "role" may do. */
static void
load_grants(Oid role)
{
	static bool registered = false;
	MemoryContext context;
	MemoryContext old;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, roles_changed,
									  (Datum) 0);
		CacheRegisterRelcacheCallback(access_relation_changed, (Datum) 0);
		registered = true;
	}

	context = AllocSetContextCreate(CurrentMemoryContext, "omni access",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	for (;;)
	{
		uint64		before = generation;
		OmniRows	rows;
		Grant	   *grants;
		int			ngrants = 0;
		bool		everything;

		/* a message that comes in between makes the answer doubtful */
		access_relation = omni_core_relation_oid(OMNI_INTERNAL_SCHEMA,
												 "access");
		everything = superuser_arg(role) ||
			has_privs_of_role(role, omni_core_owner());
		read_access(&rows);
		grants = MemoryContextAlloc(TopMemoryContext,
									sizeof(Grant) * Max(rows.nrows, 1));
		for (int r = 0; r < rows.nrows; r++)
		{
			if (!has_privs_of_role(role,
								   DatumGetObjectId(OMNI_VALUE(&rows, r, 0))))
				continue;
			grants[ngrants].profile =
				profile_bit(TextDatumGetCString(OMNI_VALUE(&rows, r, 1)));
			grants[ngrants].channel = DatumGetInt64(OMNI_VALUE(&rows, r, 2));
			grants[ngrants].node = DatumGetInt64(OMNI_VALUE(&rows, r, 3));
			ngrants++;
		}

		asked.valid = false;
		if (asked.grants)
			pfree(asked.grants);
		asked.grants = grants;
		asked.ngrants = ngrants;
		asked.everything = everything;
		asked.role = role;
		if (before == generation)
			break;
		MemoryContextReset(context);
	}
	asked.valid = true;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* May the asking role act so?  See core.h. */
bool
omni_core_may(int wanted, int64 channel, int64 node)
{
	Oid			role = omni_core_asker_if_known();

	if (unlikely(!OidIsValid(role)))
		return false;
	if (unlikely(!asked.valid || asked.role != role))
		load_grants(role);
	if (asked.everything)
		return true;
	for (int i = 0; i < asked.ngrants; i++)
	{
		const Grant *grant = &asked.grants[i];

		if ((grant->profile & wanted) != 0 &&
			(grant->channel == 0 || channel == 0 ||
			 grant->channel == channel) &&
			(grant->node == 0 || node == 0 || grant->node == node))
			return true;
	}
	return false;
}

/* The same; OM005 when not.  "what" completes "permission denied to …". */
void
omni_core_require(int wanted, int64 channel, int64 node, const char *what)
{
	if (likely(omni_core_may(wanted, channel, node)))
		return;
	ereport(ERROR,
			(errcode(OMNI_ERR_NOT_PERMITTED),
			 errmsg("permission denied to %s", what),
			 errdetail("Role \"%s\" has no access profile that covers this.",
					   GetUserNameFromId(omni_core_asker(), false)),
			 errhint("An administrator gives it with omni.grant_access().")));
}

/* omni_internal.may(profiles text[], channel_id bigint, node_id bigint) */
Datum
omni_core_may_sql(PG_FUNCTION_ARGS)
{
	Datum	   *names;
	bool	   *nulls;
	int			n;
	int			wanted = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false,
					  TYPALIGN_INT, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			wanted |= profile_bit(TextDatumGetCString(names[i]));
	}
	PG_RETURN_BOOL(omni_core_may(wanted,
								 PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1),
								 PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2)));
}

/* omni_internal.may_see_channel(channel_id bigint); NULL: what has none */
Datum
omni_core_may_see_channel(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(omni_core_may(OMNI_PROFILE_READER | OMNI_PROFILE_CHANNEL |
								 OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN,
								 PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0),
								 0));
}

/* omni_internal.may_see_node(node_id bigint); NULL: what has none */
Datum
omni_core_may_see_node(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(omni_core_may(OMNI_PROFILE_READER | OMNI_PROFILE_STORE |
								 OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN,
								 0,
								 PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0)));
}

/* omni_internal.may_see_person(channel_id bigint); NULL: no channel in play */
Datum
omni_core_may_see_person(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(omni_core_may(OMNI_PROFILE_SUPPORT | OMNI_PROFILE_ADMIN,
								 PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0),
								 0));
}

/* Trigger on omni_internal.access: every session forgets what it kept. */
Datum
omni_core_access_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("not called by a trigger")));
	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

/* ---- granting ---- */

/* The arguments that grant_access() and revoke_access() share. */
typedef struct AccessArguments
{
	char	   *role;
	char	   *profile;
	int64		channel;		/* 0: not named */
	int64		node;			/* 0: not named */
} AccessArguments;

/* Resolve a code, or 0 when it is NULL. */
static int64
code_argument(FunctionCallInfo fcinfo, int arg, OmniCodeResolver resolver,
			  const char *name)
{
	if (PG_ARGISNULL(arg))
		return 0;
	if (resolver == NULL)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_READY),
				 errmsg("this build of omni has no %ss", name)));
	return resolver(text_to_cstring(PG_GETARG_TEXT_PP(arg)));
}

/*
 * Check who asks and read the arguments.  OM002: NULL role or profile, unknown
 * channel or node; OM005; OM007: unknown profile.
 */
static void
access_arguments(FunctionCallInfo fcinfo, AccessArguments *args)
{
	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "manage access");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"%s\" must not be null", "role")));
	args->role = pstrdup(NameStr(*PG_GETARG_NAME(0)));
	args->profile = omni_core_required_text(fcinfo, 1, "profile");
	if (profile_bit(args->profile) == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_INVALID_ARGUMENT),
				 errmsg("profile \"%s\" does not exist", args->profile),
				 errhint("Profiles are reader, channel, store, support and admin.")));
	args->channel = code_argument(fcinfo, 2, channel_resolver, "channel");
	args->node = code_argument(fcinfo, 3, node_resolver, "node");

	LockRelationOid(omni_core_relation_oid(OMNI_INTERNAL_SCHEMA, "access"),
					ShareRowExclusiveLock);
}

/* GRANT or REVOKE one privilege (NULL: USAGE) on objects of one kind. */
static void
execute_grant(bool is_grant, const char *role, ObjectType objtype,
			  const char *privilege, List *objects)
{
	GrantStmt  *stmt;
	AccessPriv *priv;
	RoleSpec   *grantee;

	if (objects == NIL)
		return;

	priv = makeNode(AccessPriv);
	priv->priv_name = pstrdup(privilege);
	grantee = makeNode(RoleSpec);
	grantee->roletype = ROLESPEC_CSTRING;
	grantee->rolename = pstrdup(role);
	grantee->location = -1;

	stmt = makeNode(GrantStmt);
	stmt->is_grant = is_grant;
	stmt->targtype = ACL_TARGET_OBJECT;
	stmt->objtype = objtype;
	stmt->objects = objects;
	stmt->privileges = list_make1(priv);
	stmt->grantees = list_make1(grantee);
	stmt->behavior = DROP_RESTRICT;
	ExecuteGrantStmt(stmt);
	CommandCounterIncrement();
}

/*
 * Give a role what is on the list of its profiles, or take what is on the
 * list of "profile" and of none of those that it still has.
 */
static void
apply_profile(bool is_grant, const char *role, const char *profile)
{
	static OmniQuery query = {
		.sql = "SELECT object_kind, privilege, object_schema, object_name"
		" FROM omni_internal.profile_grant AS g WHERE profile = $2"
		" AND ($3 OR NOT EXISTS (SELECT FROM omni_internal.access AS a"
		" JOIN omni_internal.profile_grant AS o ON o.profile = a.profile"
		" WHERE a.role_name = $1 AND o.object_kind = g.object_kind"
		" AND o.object_schema = g.object_schema"
		" AND o.object_name = g.object_name AND o.privilege = g.privilege))"
		" ORDER BY object_kind, privilege, object_schema, object_name",
		.nargs = 3,
		.argtypes = {TEXTOID, TEXTOID, BOOLOID},
	};
	OmniRows	rows;
	Datum		values[3];
	List	   *objects = NIL;

	values[0] = CStringGetTextDatum(role);
	values[1] = CStringGetTextDatum(profile);
	values[2] = BoolGetDatum(is_grant);
	omni_core_query(&query, values, NULL, false, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		char	   *kind = TextDatumGetCString(OMNI_VALUE(&rows, r, 0));
		char	   *privilege = TextDatumGetCString(OMNI_VALUE(&rows, r, 1));
		char	   *schema = TextDatumGetCString(OMNI_VALUE(&rows, r, 2));
		char	   *name = TextDatumGetCString(OMNI_VALUE(&rows, r, 3));
		bool		is_function = strcmp(kind, "function") == 0;
		bool		last;

		if (is_function)
		{
			ObjectWithArgs *object = makeNode(ObjectWithArgs);

			object->objname = list_make2(makeString(schema),
										 makeString(name));
			object->args_unspecified = true;
			objects = lappend(objects, object);
		}
		else
			objects = lappend(objects, makeRangeVar(schema, name, -1));

		last = r == rows.nrows - 1 ||
			strcmp(kind, TextDatumGetCString(OMNI_VALUE(&rows, r + 1, 0))) != 0 ||
			strcmp(privilege, TextDatumGetCString(OMNI_VALUE(&rows, r + 1, 1))) != 0;
		if (last)
		{
			execute_grant(is_grant, role,
						  is_function ? OBJECT_FUNCTION : OBJECT_TABLE,
						  privilege, objects);
			objects = NIL;
		}
	}
}

/* GRANT or REVOKE the use of the public schema. */
static void
apply_schema(bool is_grant, const char *role)
{
	execute_grant(is_grant, role, OBJECT_SCHEMA, "usage",
				  list_make1(makeString(pstrdup(OMNI_SCHEMA))));
}

/*
 * omni.grant_access(role name, profile text, channel text DEFAULT NULL, node
 * text DEFAULT NULL) RETURNS void: give a role a profile, for one channel or
 * node or (NULL) for all; what it has already stays.  For the profile admin,
 * superusers and the owner.  OM002: NULL or unknown role, channel, node;
 * OM005; OM007: unknown profile.
 */
Datum
omni_core_grant_access(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni_internal.access"
		" (role_name, profile, channel_id, node_id) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT ON CONSTRAINT access_pkey DO NOTHING",
		.nargs = 4,
		.argtypes = {TEXTOID, TEXTOID, INT8OID, INT8OID},
	};
	AccessArguments args;
	Datum		values[4];

	access_arguments(fcinfo, &args);
	if (!OidIsValid(get_role_oid(args.role, true)))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("role \"%s\" does not exist", args.role)));

	values[0] = CStringGetTextDatum(args.role);
	values[1] = CStringGetTextDatum(args.profile);
	values[2] = Int64GetDatum(args.channel);
	values[3] = Int64GetDatum(args.node);
	omni_core_query(&query, values, NULL, false, NULL);

	apply_schema(true, args.role);
	apply_profile(true, args.role, args.profile);
	PG_RETURN_VOID();
}

/* Has the role any profile left, or (profile not NULL) this one? */
static bool
role_has_profile(const char *role, const char *profile)
{
	static OmniQuery query = {
		.sql = "SELECT FROM omni_internal.access WHERE role_name = $1"
		" AND ($2 IS NULL OR profile = $2) LIMIT 1",
		.nargs = 2,
		.argtypes = {TEXTOID, TEXTOID},
	};
	OmniRows	rows;
	Datum		values[2];

	values[0] = CStringGetTextDatum(role);
	values[1] = profile ? CStringGetTextDatum(profile) : (Datum) 0;
	omni_core_query(&query, values, profile ? "  " : " n", false, &rows);
	return rows.processed > 0;
}

/*
 * omni.revoke_access(role name, profile text, channel text DEFAULT NULL, node
 * text DEFAULT NULL) RETURNS void: take a profile, for one channel or node or
 * (NULL) wherever the role has it.  The rights that came with it go, unless
 * another of the role's profiles gives them.  A role that was dropped can be
 * named, too.  OM002: the role has no such profile; otherwise as
 * omni.grant_access().
 */
Datum
omni_core_revoke_access(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "DELETE FROM omni_internal.access WHERE role_name = $1"
		" AND profile = $2 AND ($3 = 0 OR channel_id = $3)"
		" AND ($4 = 0 OR node_id = $4)",
		.nargs = 4,
		.argtypes = {TEXTOID, TEXTOID, INT8OID, INT8OID},
	};
	AccessArguments args;
	OmniRows	rows;
	Datum		values[4];

	access_arguments(fcinfo, &args);
	values[0] = CStringGetTextDatum(args.role);
	values[1] = CStringGetTextDatum(args.profile);
	values[2] = Int64GetDatum(args.channel);
	values[3] = Int64GetDatum(args.node);
	omni_core_query(&query, values, NULL, false, &rows);
	if (rows.processed == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("role \"%s\" does not have profile \"%s\" there",
						args.role, args.profile)));

	if (OidIsValid(get_role_oid(args.role, true)) &&
		!role_has_profile(args.role, args.profile))
	{
		apply_profile(false, args.role, args.profile);
		if (!role_has_profile(args.role, NULL))
			apply_schema(false, args.role);
	}
	PG_RETURN_VOID();
}

/*
 * omni.refresh_access() RETURNS void: grant anew, to every role that has a
 * profile, what the profile allows.  OM005.
 */
Datum
omni_core_refresh_access(PG_FUNCTION_ARGS)
{
	static OmniQuery query = {
		.sql = "SELECT DISTINCT role_name, profile FROM omni_internal.access",
	};
	OmniRows	rows;

	omni_core_require(OMNI_PROFILE_ADMIN, 0, 0, "manage access");
	LockRelationOid(omni_core_relation_oid(OMNI_INTERNAL_SCHEMA, "access"),
					ShareRowExclusiveLock);
	omni_core_query(&query, NULL, NULL, false, &rows);
	for (int r = 0; r < rows.nrows; r++)
	{
		char	   *role = TextDatumGetCString(OMNI_VALUE(&rows, r, 0));

		if (!OidIsValid(get_role_oid(role, true)))
			continue;
		apply_schema(true, role);
		apply_profile(true, role,
					  TextDatumGetCString(OMNI_VALUE(&rows, r, 1)));
	}
	PG_RETURN_VOID();
}
