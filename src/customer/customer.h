/*
 * customer.h
 *	  Who is this person: the interface behind which identity resolution
 *	  works.
 */
#ifndef OMNI_CUSTOMER_H
#define OMNI_CUSTOMER_H

#include "core/document.h"

typedef struct OmniPersonName
{
	char	   *given;
	char	   *family;
} OmniPersonName;

/* A person as a channel describes one; every part may be NULL. */
typedef struct OmniPerson
{
	char	   *email;
	char	   *phone;
	char	   *loyalty_id;
	char	   *external_id;	/* the channel's own number for the person */
	OmniPersonName *name;
} OmniPerson;

extern const OmniShape omni_customer_person_shape;

/*
 * OM006 where an identifier is written so that none can be made of it.
 * Rewrites the identifiers to their normal form; what is blank becomes NULL.
 */
extern void omni_customer_normalise(OmniPerson *person);

/*
 * The customer that a normalised person is, found or made; 0 when the person
 * bears no identifier.  "channel" (0: none) owns the external id.  The caller
 * has passed the gate.  May wait for a transaction that is making the same
 * identifier.
 */
extern int64 omni_customer_resolve(const OmniPerson *person, int64 channel);

/* init.c: called in _PG_init */
extern void omni_customer_init(void);

#endif							/* OMNI_CUSTOMER_H */
