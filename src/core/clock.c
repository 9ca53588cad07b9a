/*
 * clock.c
 *	  One clock per database: what every deadline is measured by.
 */
#include "omni.h"

#include "utils/timestamp.h"

#include "core/core.h"

/* The database's time. */
TimestampTz
omni_core_now(void)
{
	return GetCurrentTimestamp();
}
