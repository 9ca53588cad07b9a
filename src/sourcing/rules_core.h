/*
 * rules_core.h
 *	  Which nodes the routing rules keep out, and which they prefer; no
 *	  PostgreSQL in it.
 */
#ifndef OMNI_SOURCING_RULES_CORE_H
#define OMNI_SOURCING_RULES_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* rules of one order that are about some of its lines only */
#define OMNI_RULES_BY_LINE	64

typedef enum OmniRuleAction
{
	OMNI_RULE_ONLY,				/* others are kept out */
	OMNI_RULE_EXCLUDE,			/* these are kept out */
	OMNI_RULE_PREFER			/* others cost more */
} OmniRuleAction;

/* A rule; texts are "" where they are not given. */
typedef struct OmniRule
{
	/* when: all that is given must hold */
	int64_t		channel;		/* id; 0: any */
	int64_t		min_value;		/* of the order, in currency; INT64_MIN: any */
	int64_t		max_value;		/* INT64_MAX: any */
	char		currency[4];	/* of the two */
	char		country[3];		/* of the destination */
	char		region[33];
	char		postal_prefix[17];
	char		category[65];	/* of lines; then the rule is about these */
	/* whom: a node that all of it is true of */
	const uint64_t *nodes;		/* bit by node; NULL: any */
	int64_t		within_m;		/* of the destination; -1: any */
	int32_t		service;		/* that it offers there; -1: any */
	bool		same_country;	/* as the destination */
	bool		same_region;
	/* what */
	bool		strict;			/* false: rather this than nobody */
	OmniRuleAction action;
	int64_t		surcharge;		/* prefer: of a node's first wrong rank */
	const int16_t *ranks;		/* prefer: by node; NULL: all 0 */
	int32_t		max_rank;		/* of ranks */
} OmniRule;

/* What the rules may ask of an order. */
typedef struct OmniRuleOrder
{
	int64_t		channel;
	int64_t		value;			/* minor units of currency; -1: unknown */
	const char *currency;
	const char *country;		/* of the destination; "" unknown */
	const char *region;
	const char *postal_code;	/* capitals and digits alone */
	int32_t		nlines;
	const char *const *categories;	/* by line */
} OmniRuleOrder;

/* What the rules may ask of a candidate. */
typedef struct OmniRuleNode
{
	int32_t		node;			/* its bit in the rules' sets; -1: it cannot
								 * serve the order anyhow, and is not asked */
	int64_t		distance_m;		/* -1: unknown */
	uint64_t	services;		/* bit by service that it offers there */
	bool		same_country;
	bool		same_region;
} OmniRuleNode;

/* What became of a candidate. */
typedef struct OmniRuleVerdict
{
	int32_t		excluded_by;	/* index of the first rule; -1: a candidate */
	int64_t		surcharge;		/* on its shipment */
	uint64_t	barred;			/* line rules that keep it out */
	uint64_t	dear;			/* line rules by which its units cost more */
} OmniRuleVerdict;

/* What a rule did to this order. */
typedef struct OmniRuleEffect
{
	bool		applied;		/* its conditions held */
	bool		dropped;		/* it was not strict, and nobody would be left */
	int8_t		line_bit;		/* in the masks; -1: about whole orders */
	int32_t		nodes;			/* kept out by it first, or preferred */
} OmniRuleEffect;

/*
 * Apply the rules in order.  line_rules gets, for each line, the bits of the
 * line rules that are about it.  The rooms: nrules, ncandidates, nlines.
 */
extern void omni_rules_apply(const OmniRule *rules, int nrules,
							 const OmniRuleOrder *order,
							 const OmniRuleNode *candidates, int ncandidates,
							 OmniRuleEffect *effects,
							 OmniRuleVerdict *verdicts, uint64_t *line_rules);
/* May the candidate serve the line? */
extern bool omni_rules_allow(const OmniRuleVerdict *verdict,
							 uint64_t line_rules);
/* What a unit of the line costs more from there. */
extern int64_t omni_rules_unit_surcharge(const OmniRule *rules, int nrules,
										 const OmniRuleEffect *effects,
										 const OmniRuleVerdict *verdict,
										 uint64_t line_rules);
/* Is this the category, or one below it ("toys/outdoor" below "toys")? */
extern bool omni_rules_in_category(const char *category, const char *wanted);

#endif							/* OMNI_SOURCING_RULES_CORE_H */
