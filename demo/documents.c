/*
 * documents.c
 *	  An invoice as omni takes it: the order document, or the arrays of a till
 *	  sale and of goods that came back; and which statement carries it.
 */
#include "replay.h"

/* The order's document; without lines for a till sale. */
static void
write_document(Letters *letters, const World *world,
			   const Invoice *invoice, bool lines)
{
	const Area *area = &world->areas[invoice->area];
	Buffer	   *out = &letters->document;
	char		day[11];
	bool		first = true;

	buffer_reset(out);
	buffer_printf(out, "{\"channel\":\"%s\",\"external_id\":",
				  channel_code((Channel) invoice->channel));
	buffer_json(out, invoice->number);
	buffer_printf(out, ",\"placed_at\":\"%sT%02d:%02d:%02dZ\","
				  "\"currency\":\"GBP\"", day_text(invoice->day, day),
				  invoice->second / 3600, invoice->second / 60 % 60,
				  invoice->second % 60);
	if (invoice->customer >= 0)
	{
		buffer_add(out, ",\"customer\":{\"loyalty_id\":");
		buffer_json(out, world->customers.texts[invoice->customer]);
		buffer_char(out, '}');
	}
	if (invoice->node < 0)
	{
		buffer_add(out, ",\"fulfilment\":{\"kind\":\"ship\",\"address\":"
				   "{\"country\":\"US\",\"postal_code\":");
		buffer_json(out, area->postal);
		buffer_printf(out, ",\"latitude\":%.6f,\"longitude\":%.6f}}",
					  area->latitude, area->longitude);
	}
	else
		buffer_printf(out, ",\"fulfilment\":{\"kind\":\"%s\","
					  "\"node\":\"%s\"}",
					  invoice->channel == CHANNEL_POS ? "take_away" : "pickup",
					  world->nodes[invoice->node].code);
	if (invoice->channel == CHANNEL_WEB)
		buffer_add(out, ",\"options\":{\"backorder\":true}");
	else if (invoice->channel == CHANNEL_MARKET)
		buffer_add(out, ",\"options\":{\"park\":true}");
	if (invoice->carriage)
	{
		buffer_add(out, ",\"shipping\":{\"amount\":\"");
		buffer_price(out, invoice->carriage);
		buffer_add(out, "\"}");
	}
	if (invoice->fees)
	{
		buffer_add(out, ",\"fees\":[{\"code\":\"manual\",\"amount\":\"");
		buffer_price(out, invoice->fees);
		buffer_add(out, "\"}]");
	}
	if (lines)
	{
		buffer_add(out, ",\"lines\":[");
		for (int i = 0; i < invoice->nlines; i++)
		{
			const Line *line = &world->lines[invoice->first + i];

			if (line->fate != FATE_SALE)
				continue;
			buffer_add(out, first ? "{\"sku\":" : ",{\"sku\":");
			first = false;
			buffer_json(out, world->codes.texts[line->code]);
			buffer_printf(out, ",\"quantity\":%d,\"unit_price\":\"",
						  line->quantity);
			buffer_price(out, line->price);
			buffer_add(out, "\"}");
		}
		buffer_char(out, ']');
	}
	buffer_char(out, '}');
}

/* The lines of one fate as parallel arrays. */
static void
write_arrays(Letters *letters, const World *world,
			   const Invoice *invoice, Fate fate)
{

	array_open(&letters->skus);
	array_open(&letters->quantities);
	array_open(&letters->prices);
	for (int i = 0; i < invoice->nlines; i++)
	{
		const Line *line = &world->lines[invoice->first + i];

		if (line->fate != (int32_t) fate)
			continue;
		array_text(&letters->skus, world->codes.texts[line->code]);
		array_int(&letters->quantities, abs(line->quantity));
		array_price(&letters->prices, line->price);
	}
	array_close(&letters->skus);
	array_close(&letters->quantities);
	array_close(&letters->prices);
}

/* Send one invoice on its lane. */
bool
send_invoice(Letters *letters, const World *world, Lane *lane, int number)
{
	const Invoice *invoice = &world->invoices[number];
	Command		command = {KIND_ORDER, number};

	if (!invoice->sale)
	{
		const char *params[4] = {invoice->number};

		write_arrays(letters, world, invoice, FATE_BACK);
		array_open(&letters->nodes);
		for (int i = 0; i < invoice->nlines; i++)
			if (world->lines[invoice->first + i].fate == FATE_BACK)
				array_text(&letters->nodes, world->nodes[invoice->node].code);
		array_close(&letters->nodes);
		params[1] = letters->nodes.data;
		params[2] = letters->skus.data;
		params[3] = letters->quantities.data;
		command.kind = KIND_BACK;
		return lane_send(lane, "receive", command, 4, params);
	}
	if (invoice->channel == CHANNEL_POS)
	{
		const char *params[6];

		write_document(letters, world, invoice, false);
		write_arrays(letters, world, invoice, FATE_SALE);
		params[0] = letters->document.data;
		params[1] = invoice->number;
		params[2] = world->nodes[invoice->node].code;
		params[3] = letters->skus.data;
		params[4] = letters->quantities.data;
		params[5] = letters->prices.data;
		command.kind = KIND_TILL;
		return lane_send(lane, "sell", command, 6, params);
	}
	write_document(letters, world, invoice, true);
	if (invoice->channel == CHANNEL_APP)
	{
		const char *params[2] = {letters->document.data, invoice->number};

		command.kind = KIND_PICKUP;
		return lane_send(lane, "place_or_refuse", command, 2, params);
	}
	else
	{
		const char *params[1] = {letters->document.data};

		return lane_send(lane, "place", command, 1, params);
	}
}

void
free_letters(Letters *letters)
{
	free(letters->document.data);
	free(letters->nodes.data);
	free(letters->skus.data);
	free(letters->quantities.data);
	free(letters->prices.data);
}
