/*
 * phone_magic.c
 *	  What makes omni_phone a library that the server loads; see phone.c.
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;
