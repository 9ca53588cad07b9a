/*
 * test_point.c
 *	  Places at which a test can stop a session, and sizes of steps that it can
 *	  lower; see test_point.h.  Empty unless compiled for the tests.
 */
#include "omni.h"

#ifdef OMNI_TEST_POINTS

#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "core/core.h"
#include "core/feed.h"
#include "core/test_point.h"

PG_FUNCTION_INFO_V1(omni_core_test_tick);

static char *test_point = NULL;
static bool armed = false;
static int	test_at_once = 0;	/* 0: as it is */

/* A new setting stops once more. */
static void
arm(const char *newval, void *extra)
{
	armed = newval != NULL && newval[0] != '\0';
}

/* Stand still here, if the session's setting says so. */
void
omni_core_test_point(const char *name)
{
	if (likely(!armed) || test_point == NULL || strcmp(test_point, name) != 0)
		return;
	armed = false;
	kill(getpid(), SIGSTOP);
}

/* How much to do in a step. */
int
omni_core_test_at_once(int n)
{
	return test_at_once > 0 ? Min(n, test_at_once) : n;
}

/* Define the settings; superusers alone may stop sessions. */
void
omni_core_test_point_init(void)
{
	DefineCustomStringVariable("omni.test_point",
							   "Point at which the session stops, for tests.",
							   NULL,
							   &test_point, "",
							   PGC_SUSET, 0,
							   NULL, arm, NULL);
	DefineCustomIntVariable("omni.test_at_once",
							"Most that a step of long work does, for tests.",
							NULL,
							&test_at_once, 0, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);
}

/*
 * A procedure that tests make themselves: a second ticker.  Closes a tick of
 * the given era in a transaction of its own, as the worker does.
 */
Datum
omni_core_test_tick(PG_FUNCTION_ARGS)
{
	OmniTickResult result;

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	SPI_commit();
	XactIsoLevel = XACT_REPEATABLE_READ;
	omni_core_tick_close(PG_GETARG_INT32(0), &result);
	SPI_finish();
	PG_RETURN_VOID();
}

#endif							/* OMNI_TEST_POINTS */
