/*
 * omni.c
 *	  Module magic and _PG_init: one call per subsystem, nothing else.
 */
#include "omni.h"

#include "core/core.h"
#include "customer/customer.h"
#include "identity/match.h"
#include "master/master.h"
#include "orders/orders.h"
#include "sourcing/sourcing.h"
#include "stock/stock.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	omni_core_init();
	omni_master_init();
	omni_stock_init();
	omni_identity_match_init();
	omni_customer_init();
	omni_sourcing_init();
	omni_orders_init();

	omni_core_init_end();
}
