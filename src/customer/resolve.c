/*
 * resolve.c
 *	  From a person's identifiers to a customer, by exact match.
 *
 * - An identifier is (kind, value), an external id also its channel; each
 *	 names at most one customer: a unique constraint says so.
 * - Where identifiers name several customers, the most telling wins: the
 *	 channel's external id, then the loyalty id, the e-mail address, the
 *	 telephone number (families share one, and it is given to somebody else
 *	 later).  Nothing merges; every identifier stays where it is.
 * - Identifiers that nobody has are attached to the customer found.
 * - Found customers are not locked: the usual call reads and writes nothing.
 *	 New identifiers go in by one INSERT in sorted order, so two sessions that
 *	 make the same ones wait for each other in one order; who comes second
 *	 looks again and joins the first.
 * - A session above READ COMMITTED that meets an identifier made since its
 *	 snapshot gets 40001.
 */
#include "omni.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "customer/customer.h"
#include "identity/email_core.h"
#include "identity/phone_core.h"
#include "master/master.h"

#define MAX_ATTEMPTS 10

/* By how much they tell; also the order in which rows are looked up. */
typedef enum IdentifierKind
{
	IDENTIFIER_EXTERNAL_ID,
	IDENTIFIER_LOYALTY_ID,
	IDENTIFIER_EMAIL,
	IDENTIFIER_PHONE,
	NIDENTIFIERS
} IdentifierKind;

static const char *const identifier_names[NIDENTIFIERS] = {
	"external_id", "loyalty_id", "email", "phone"
};

/* What a person's identifiers name now. */
typedef struct Sighting
{
	const char *values[NIDENTIFIERS];	/* NULL: the person has none */
	int64		customers[NIDENTIFIERS];	/* 0: nobody has it */
	int64		best;			/* the customer who wins, 0: none */
	bool		best_named;		/* does omni know a name? */
} Sighting;

static const OmniField name_fields[] = {
	{"given", OMNI_FIELD_BLANK_TEXT, offsetof(OmniPersonName, given)},
	{"family", OMNI_FIELD_BLANK_TEXT, offsetof(OmniPersonName, family)},
};

static const OmniShape name_shape = {
	name_fields, lengthof(name_fields), sizeof(OmniPersonName)
};

static const OmniField person_fields[] = {
	{"email", OMNI_FIELD_BLANK_TEXT, offsetof(OmniPerson, email), false, 320},
	{"phone", OMNI_FIELD_BLANK_TEXT, offsetof(OmniPerson, phone)},
	{"loyalty_id", OMNI_FIELD_BLANK_TEXT, offsetof(OmniPerson, loyalty_id)},
	{"external_id", OMNI_FIELD_BLANK_TEXT, offsetof(OmniPerson, external_id)},
	{"name", OMNI_FIELD_OBJECT, offsetof(OmniPerson, name), false, 0, &name_shape},
};

const OmniShape omni_customer_person_shape = {
	person_fields, lengthof(person_fields), sizeof(OmniPerson)
};

/* Cut blanks off both ends; NULL when nothing is left. */
static char *
trim(char *text)
{
	char	   *end;

	if (text == NULL)
		return NULL;
	while (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
		text++;
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t' ||
						  end[-1] == '\n' || end[-1] == '\r'))
		end--;
	*end = '\0';
	return end == text ? NULL : text;
}

/* Bring a person's identifiers into normal form. */
void
omni_customer_normalise(OmniPerson *person)
{
	person->loyalty_id = trim(person->loyalty_id);
	person->external_id = trim(person->external_id);
	person->email = trim(person->email);
	person->phone = trim(person->phone);

	if (person->email)
	{
		char	   *result = palloc(OMNI_EMAIL_SIZE);

		if (omni_identity_clean_email(person->email, strlen(person->email),
									  result) == 0)
			ereport(ERROR,
					(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
					 errmsg("key \"email\" of the customer must be an e-mail address")));
		person->email = result;
	}
	if (person->phone)
	{
		char	   *result = palloc(OMNI_PHONE_SIZE);

		if (omni_identity_clean_phone(person->phone, strlen(person->phone),
									  result) == 0)
			ereport(ERROR,
					(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
					 errmsg("key \"phone\" of the customer must be a telephone number"),
					 errhint("Write it as \"+1 612 555 0101\", with \"x 12\" for an extension.")));
		person->phone = result;
	}
}

/*
 * Who has the identifiers?  One index probe for each that is given.  Those
 * that this call has just made ("own", a bit each) tell nothing about who the
 * person is.
 */
static void
look_up(Sighting *sighting, int64 channel, uint32 own)
{
	static OmniQuery query = {
		.sql = "SELECT i.kind, i.customer_id,"
		" c.given_name IS NOT NULL OR c.family_name IS NOT NULL"
		" FROM (SELECT 0 AS kind, customer_id"
		" FROM omni.customer_identifier"
		" WHERE value = $1 AND kind = 'external_id' AND channel_id = $5"
		" UNION ALL SELECT 1, customer_id FROM omni.customer_identifier"
		" WHERE value = $2 AND kind = 'loyalty_id'"
		" UNION ALL SELECT 2, customer_id FROM omni.customer_identifier"
		" WHERE value = $3 AND kind = 'email'"
		" UNION ALL SELECT 3, customer_id FROM omni.customer_identifier"
		" WHERE value = $4 AND kind = 'phone') i"
		" JOIN omni.customer c ON c.id = i.customer_id",
		.nargs = 5,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID}
	};
	Datum		values[5];
	char		nulls[] = "     ";
	OmniRows	rows;
	int			best = NIDENTIFIERS;

	for (int k = 0; k < NIDENTIFIERS; k++)
	{
		sighting->customers[k] = 0;
		if (sighting->values[k])
			values[k] = CStringGetTextDatum(sighting->values[k]);
		else
			nulls[k] = 'n';
	}
	values[4] = Int64GetDatum(channel);
	omni_core_query(&query, values, nulls, false, &rows);

	sighting->best = 0;
	for (int r = 0; r < rows.nrows; r++)
	{
		int			kind = DatumGetInt32(OMNI_VALUE(&rows, r, 0));

		sighting->customers[kind] = DatumGetInt64(OMNI_VALUE(&rows, r, 1));
		if (kind < best && (own & ((uint32) 1 << kind)) == 0)
		{
			best = kind;
			sighting->best = sighting->customers[kind];
			sighting->best_named = DatumGetBool(OMNI_VALUE(&rows, r, 2));
		}
	}
}

/* A new customer, who has no identifier yet. */
static int64
insert_customer(const OmniPerson *person)
{
	static OmniQuery query = {
		.sql = "INSERT INTO omni.customer (given_name, family_name, created_at)"
		" VALUES ($1, $2, $3) RETURNING id",
		.nargs = 3,
		.argtypes = {TEXTOID, TEXTOID, TIMESTAMPTZOID}
	};
	Datum		values[3];
	char		nulls[] = "nn ";
	OmniRows	rows;

	if (person->name && person->name->given)
	{
		values[0] = CStringGetTextDatum(person->name->given);
		nulls[0] = ' ';
	}
	if (person->name && person->name->family)
	{
		values[1] = CStringGetTextDatum(person->name->family);
		nulls[1] = ' ';
	}
	values[2] = TimestampTzGetDatum(omni_core_now());
	omni_core_query(&query, values, nulls, false, &rows);
	return DatumGetInt64(OMNI_VALUE(&rows, 0, 0));
}

/*
 * Attach every identifier that nobody has to "customer"; rows gets the ids of
 * those that nobody was quicker to take.  Returns how many were tried.
 */
static int
insert_identifiers(const Sighting *sighting, int64 channel, int64 customer,
				   OmniRows *rows)
{
	/* sorted, so that sessions wait for each other in one order */
	static OmniQuery query = {
		.sql = "INSERT INTO omni.customer_identifier"
		" (customer_id, kind, value, channel_id)"
		" SELECT $1, d.kind, d.value,"
		" CASE WHEN d.kind = 'external_id' THEN $2 END"
		" FROM unnest($3, $4) AS d(kind, value)"
		" ORDER BY d.kind COLLATE \"C\""
		" ON CONFLICT DO NOTHING RETURNING id, kind",
		.nargs = 4,
		.argtypes = {INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID}
	};
	Datum		kinds[NIDENTIFIERS];
	Datum		texts[NIDENTIFIERS];
	Datum		values[4];
	int			n = 0;

	for (int k = 0; k < NIDENTIFIERS; k++)
	{
		if (sighting->values[k] == NULL || sighting->customers[k] != 0)
			continue;
		kinds[n] = CStringGetTextDatum(identifier_names[k]);
		texts[n] = CStringGetTextDatum(sighting->values[k]);
		n++;
	}
	rows->nrows = 0;
	if (n == 0)
		return 0;
	values[0] = Int64GetDatum(customer);
	values[1] = Int64GetDatum(channel);
	values[2] = PointerGetDatum(construct_array(kinds, n, TEXTOID, -1, false,
												TYPALIGN_INT));
	values[3] = PointerGetDatum(construct_array(texts, n, TEXTOID, -1, false,
												TYPALIGN_INT));
	omni_core_query(&query, values, NULL, false, rows);
	return n;
}

/* Give identifiers that this call has just made to another customer. */
static void
move_identifiers(const OmniRows *identifiers, int64 customer)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.customer_identifier SET customer_id = $1"
		" WHERE id = $2",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID}
	};

	for (int r = 0; r < identifiers->nrows; r++)
	{
		Datum		values[2];

		values[0] = Int64GetDatum(customer);
		values[1] = OMNI_VALUE(identifiers, r, 0);
		omni_core_query(&query, values, NULL, false, NULL);
	}
}

/* Take a customer back that this call has made for nothing. */
static void
delete_customer(int64 customer)
{
	static OmniQuery query = {
		.sql = "DELETE FROM omni.customer WHERE id = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(customer);

	omni_core_query(&query, &value, NULL, false, NULL);
}

/* Note the name of a customer who has none yet. */
static void
name_customer(int64 customer, const OmniPersonName *name)
{
	static OmniQuery query = {
		.sql = "UPDATE omni.customer SET given_name = $2, family_name = $3"
		" WHERE id = $1 AND given_name IS NULL AND family_name IS NULL",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTOID, TEXTOID}
	};
	Datum		values[3];
	char		nulls[] = " nn";

	values[0] = Int64GetDatum(customer);
	if (name->given)
	{
		values[1] = CStringGetTextDatum(name->given);
		nulls[1] = ' ';
	}
	if (name->family)
	{
		values[2] = CStringGetTextDatum(name->family);
		nulls[2] = ' ';
	}
	omni_core_query(&query, values, nulls, false, NULL);
}

/* Which identifiers are these rows?  A bit each. */
static uint32
list_kinds(const OmniRows *identifiers)
{
	uint32		kinds = 0;

	for (int r = 0; r < identifiers->nrows; r++)
	{
		char	   *name = TextDatumGetCString(OMNI_VALUE(identifiers, r, 1));

		for (int k = 0; k < NIDENTIFIERS; k++)
		{
			if (strcmp(identifier_names[k], name) == 0)
				kinds |= (uint32) 1 << k;
		}
	}
	return kinds;
}

/* One try; 0 when others made and erased what it met: look again. */
static int64
resolve_once(const OmniPerson *person, Sighting *sighting, int64 channel)
{
	OmniRows	inserted;
	int64		customer;
	bool		made;
	int			tried;

	look_up(sighting, channel, 0);
	made = sighting->best == 0;
	customer = made ? insert_customer(person) : sighting->best;
	tried = insert_identifiers(sighting, channel, customer, &inserted);
	if (inserted.nrows < tried)
	{
		/* somebody was quicker, and came first: what does that say? */
		look_up(sighting, channel, list_kinds(&inserted));
		if (sighting->best == 0 && inserted.nrows == 0)
		{
			/* and is gone again */
			if (made)
				delete_customer(customer);
			return 0;
		}
		if (sighting->best != 0 && sighting->best != customer)
		{
			move_identifiers(&inserted, sighting->best);
			if (made)
				delete_customer(customer);
			customer = sighting->best;
			made = false;
		}
	}

	if (made)
		omni_core_write_event("customer.created", "customer", customer,
							  DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
																 CStringGetDatum("{}"))));
	else if (person->name && !sighting->best_named &&
			 (person->name->given || person->name->family))
		name_customer(customer, person->name);
	return customer;
}

/* The customer that a normalised person is. */
int64
omni_customer_resolve(const OmniPerson *person, int64 channel)
{
	Sighting	sighting = {
		.values[IDENTIFIER_EXTERNAL_ID] = person->external_id,
		.values[IDENTIFIER_LOYALTY_ID] = person->loyalty_id,
		.values[IDENTIFIER_EMAIL] = person->email,
		.values[IDENTIFIER_PHONE] = person->phone
	};

	if (!person->external_id && !person->loyalty_id && !person->email &&
		!person->phone)
		return 0;

	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		int64		customer = resolve_once(person, &sighting, channel);

		if (customer != 0)
			return customer;
		CHECK_FOR_INTERRUPTS();
	}
	ereport(ERROR,
			(errcode(OMNI_ERR_BUSY),
			 errmsg("the customer's identifiers keep changing hands"),
			 errhint("Try again.")));
}

PG_FUNCTION_INFO_V1(omni_customer_resolve_person);

/*
 * omni.resolve_customer(person jsonb, channel text) RETURNS bigint
 *
 * The customer that a person is, found or made by exact identifiers.  OM002
 * for a NULL person, an unknown channel, or an external id without channel;
 * OM005 where the role may not act for the channel; OM006 for a malformed
 * person, or one without any identifier.
 */
Datum
omni_customer_resolve_person(PG_FUNCTION_ARGS)
{
	OmniPerson	person;
	char	   *code = omni_core_optional_text(fcinfo, 1);
	int64		channel = 0;
	int64		customer;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"person\" must not be null")));
	if (code)
		channel = omni_master_channel_id(code);
	omni_core_require(OMNI_PROFILE_CHANNEL | OMNI_PROFILE_SUPPORT |
					  OMNI_PROFILE_ADMIN, channel, 0, "resolve a customer");

	omni_core_read_document(PG_GETARG_JSONB_P(0), &omni_customer_person_shape,
							"person", &person);
	omni_customer_normalise(&person);
	if (person.external_id && channel == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_NOT_FOUND),
				 errmsg("argument \"channel\" must not be null"),
				 errdetail("An external id belongs to a channel.")));

	omni_core_gate();
	customer = omni_customer_resolve(&person, channel);
	if (customer == 0)
		ereport(ERROR,
				(errcode(OMNI_ERR_MALFORMED_DOCUMENT),
				 errmsg("the person has no identifier"),
				 errhint("Give \"email\", \"phone\", \"loyalty_id\" or \"external_id\".")));
	PG_RETURN_INT64(customer);
}
