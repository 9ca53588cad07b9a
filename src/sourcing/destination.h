/*
 * destination.h
 *	  A destination as a JSON document, for what SQL asks of the network.
 */
#ifndef OMNI_SOURCING_DESTINATION_H
#define OMNI_SOURCING_DESTINATION_H

#include "core/document.h"
#include "sourcing/network.h"

typedef struct OmniDestinationDocument
{
	char	   *country;		/* each may be NULL */
	char	   *region;
	char	   *postal_code;
	OmniDouble	latitude;
	OmniDouble	longitude;
} OmniDestinationDocument;

extern const OmniShape omni_sourcing_destination_shape;

/* Check it and make a place of it; OM006.  The texts are shared. */
extern void omni_sourcing_read_place(const OmniDestinationDocument *document,
									 OmniNetworkPlace *place);

#endif							/* OMNI_SOURCING_DESTINATION_H */
