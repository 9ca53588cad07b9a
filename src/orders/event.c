/*
 * event.c
 *	  Events of orders: entity "order", entity_id the order's id.
 *
 * Payloads carry ids, codes and quantities, never personal data.  They are
 * written while the order's row is locked (or new), so an order's events have
 * the order in which things happened to it.
 */
#include "omni.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "master/master.h"
#include "orders/orders.h"

/* Write an event whose payload is given as text. */
static void
write_event(const char *kind, int64 order, char *payload)
{
	Datum		json = DirectFunctionCall1(jsonb_in, CStringGetDatum(payload));

	omni_core_write_event(kind, "order", order, DatumGetJsonbP(json));
}

/* An event of the order; the format gives the members of its payload. */
void
omni_orders_order_event(const char *kind, int64 order, const char *format,...)
{
	StringInfoData payload;

	initStringInfo(&payload);
	appendStringInfoChar(&payload, '{');
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&payload, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&payload, needed);
	}
	appendStringInfoChar(&payload, '}');
	write_event(kind, order, payload.data);
}

/* An event of one of its fulfilments. */
void
omni_orders_fulfilment_event(const char *kind, int64 order, int64 fulfilment,
							 OmniFulfilmentKind fulfilment_kind, int64 node,
							 int64 units)
{
	StringInfoData payload;
	char	   *code = omni_master_node_code(node);

	initStringInfo(&payload);
	appendStringInfo(&payload, "{\"fulfilment\":" INT64_FORMAT
					 ",\"kind\":\"%s\",\"units\":" INT64_FORMAT ",\"node\":",
					 fulfilment, omni_fulfilment_kinds[fulfilment_kind], units);
	escape_json(&payload, code ? code : "");
	appendStringInfoChar(&payload, '}');
	write_event(kind, order, payload.data);
}
