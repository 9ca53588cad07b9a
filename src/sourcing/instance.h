/*
 * instance.h
 *	  A sourcing instance (JSON) as a problem for the solver.
 */
#ifndef OMNI_SOURCING_INSTANCE_H
#define OMNI_SOURCING_INSTANCE_H

#include "omni.h"

#include "utils/jsonb.h"

#include "sourcing/solve_core.h"

typedef struct OmniInstance
{
	OmniSolveProblem problem;
	/*
	 * The problem's nodes and lines stand in an order of their own, which
	 * does not depend on the document's: by id and content.  These are the
	 * document's numbers.
	 */
	int		   *node_number;	/* by node of the problem */
	int		   *line_number;	/* by line of the problem */
	int		   *node_place;		/* by number: node of the problem */
	int			nservices;
	char	  **services;		/* codes */
	int		   *option_service; /* by option: index in services */
	int			nexplain;
	int		   *explain;		/* numbers of nodes to be explained */
} OmniInstance;

/* Read; OM006 with the path of what does not fit, OM008 for sums too large. */
extern OmniInstance *omni_sourcing_read_instance(Jsonb *document);

#endif							/* OMNI_SOURCING_INSTANCE_H */
