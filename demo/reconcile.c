/*
 * reconcile.c
 *	  The source to the line and to the thousandth of a pound: what of it is
 *	  mapped, what is not and why, and whether both together are the source.
 *
 * The sums by kind of invoice are taken from the lines as they were read, the
 * sums by fate from what became of them, and the published totals of the real
 * file stand beside both.
 */
#include "replay.h"

/* Published for the real file. */
#define KNOWN_LINES 541909
#define KNOWN_INVOICES 25900
#define KNOWN_CODES 4070
#define KNOWN_CUSTOMERS 4372
#define KNOWN_SALES_PENCE INT64_C(1065562248)
#define KNOWN_CREDITS_PENCE INT64_C(-89681249)

typedef struct Sum
{
	int64_t		lines;
	int64_t		units;
	int64_t		mills;
} Sum;

/* What the first "count" invoices hold. */
typedef struct Sums
{
	Sum			fates[FATES];
	Sum			mapped;
	Sum			unmapped;
	Sum			sales;			/* by the invoice's number alone */
	Sum			credits;
	Sum			adjustments;
	int64_t		invoices;
	int64_t		orders;
	int64_t		backs;
	int64_t		codes;
	int64_t		customers;
} Sums;

/* A whole number with thousands apart; "into" has room for 32 bytes. */
const char *
grouped(int64_t value, char *into)
{
	char		digits[24];
	int			len = snprintf(digits, sizeof(digits), "%lld",
							   (long long) value);
	char	   *at = into;

	for (int i = 0; i < len; i++)
	{
		*at++ = digits[i];
		if (digits[i] != '-' && i + 1 < len && (len - i - 1) % 3 == 0)
			*at++ = ',';
	}
	*at = '\0';
	return into;
}

/* Thousandths as pounds with three decimals; room for 32 bytes. */
const char *
money(int64_t mills, char *into)
{
	char		whole[32];
	int64_t		size = mills < 0 ? -mills : mills;

	snprintf(into, 32, "%s%.26s.%03d", mills < 0 ? "-" : "",
			 grouped(size / 1000, whole), (int) (size % 1000));
	return into;
}

static void
add_to(Sum *sum, const Line *line)
{
	sum->lines++;
	sum->units += line->quantity;
	sum->mills += line->price * line->quantity;
}

static void
sum_invoices(const World *world, int count, Sums *sums)
{
	bool	   *codes = allocate((size_t) world->codes.count);
	bool	   *customers = allocate((size_t) world->customers.count + 1);

	memset(sums, 0, sizeof(*sums));
	for (int i = 0; i < count; i++)
	{
		const Invoice *invoice = &world->invoices[i];
		Sum		   *kind = invoice->number[0] == 'C' ? &sums->credits :
			invoice->number[0] == 'A' ? &sums->adjustments : &sums->sales;

		sums->invoices++;
		sums->orders += invoice->sale;
		sums->backs += invoice->back;
		if (invoice->customer >= 0 && !customers[invoice->customer])
		{
			customers[invoice->customer] = true;
			sums->customers++;
		}
		for (int j = 0; j < invoice->nlines; j++)
		{
			const Line *line = &world->lines[invoice->first + j];

			add_to(kind, line);
			add_to(&sums->fates[line->fate], line);
			add_to(line->fate < FATE_NO_CODE ? &sums->mapped :
				   &sums->unmapped, line);
			if (!codes[line->code])
			{
				codes[line->code] = true;
				sums->codes++;
			}
		}
	}
	free(codes);
	free(customers);
}

static void
print_sums(FILE *out, const char *name, const Sum *whole, const Sum *window)
{
	char		a[32];
	char		b[32];
	char		c[32];
	char		d[32];

	fprintf(out, "  %-34s %9s %16s %9s %16s\n", name,
			grouped(whole->lines, a), money(whole->mills, b),
			grouped(window->lines, c), money(window->mills, d));
}

static void
print_counts(FILE *out, const char *name, int64_t whole, int64_t window)
{
	char		a[32];
	char		b[32];

	fprintf(out, "  %-34s %9s %16s %9s\n", name, grouped(whole, a), "",
			grouped(window, b));
}

/* The codes of a fate that is not mapped, as far as the window has them. */
static void
print_names(const World *world, FILE *out, Fate fate)
{
	Sum		   *sums = allocate((size_t) world->codes.count * sizeof(Sum));
	int			shown = 0;
	int			codes = 0;
	char		a[32];
	char		b[32];

	for (int i = 0; i < world->window; i++)
		for (int j = 0; j < world->invoices[i].nlines; j++)
		{
			const Line *line = &world->lines[world->invoices[i].first + j];

			if (line->fate == (int32_t) fate)
				add_to(&sums[line->code], line);
		}
	for (int i = 0; i < world->codes.count; i++)
		codes += sums[i].lines > 0;
	if (codes > 0)
		fprintf(out, "  %s:\n", fate_name(fate));
	for (int i = 0; i < world->codes.count; i++)
	{
		if (sums[i].lines == 0)
			continue;
		if (!world->code[i].service && ++shown > 3)
			continue;
		fprintf(out, "    %-14s %-36.36s %6s lines %16s\n",
				world->codes.texts[i],
				world->code[i].name ? world->code[i].name : "",
				grouped(sums[i].lines, a), money(sums[i].mills, b));
	}
	if (shown > 3)
		fprintf(out, "    … and %d more stock codes\n", shown - 3);
	free(sums);
}

static bool
check(FILE *out, const char *what, int64_t found, int64_t known)
{
	char		a[32];
	char		b[32];

	fprintf(out, "  %-34s %16s %16s%s\n", what, grouped(found, a),
			grouped(known, b), found == known ? "" : "  DIFFERENT");
	return found == known;
}

/* Thousandths to pence, half away from zero. */
static int64_t
pence(int64_t mills)
{
	return mills < 0 ? -((-mills + 5) / 10) : (mills + 5) / 10;
}

/* Against what is published about the real file. */
static bool
check_known(const World *world, const Sums *whole, FILE *out)
{
	bool		fine = true;

	if (!world->whole_totals)
		return true;
	fprintf(out, "\n  %-34s %16s %16s\n", "whole file", "found", "published");
	fine &= check(out, "lines", whole->sales.lines + whole->credits.lines +
				  whole->adjustments.lines, KNOWN_LINES);
	fine &= check(out, "invoices", whole->invoices, KNOWN_INVOICES);
	fine &= check(out, "stock codes", whole->codes, KNOWN_CODES);
	fine &= check(out, "customers", whole->customers, KNOWN_CUSTOMERS);
	fine &= check(out, "sales, pence", pence(whole->sales.mills),
				  KNOWN_SALES_PENCE);
	fine &= check(out, "cancellations, pence", pence(whole->credits.mills),
				  KNOWN_CREDITS_PENCE);
	return fine;
}

/* Print the source's reconciliation; false when something does not add up. */
bool
reconcile_source(const World *world, FILE *out)
{
	Sums		whole;
	Sums		window;
	Sum			total[2];
	bool		fine;
	char		from[11];
	char		to[11];

	sum_invoices(world, world->ninvoices, &whole);
	sum_invoices(world, world->window, &window);
	fprintf(out, "Source: %s\n", world->source);
	fprintf(out, "Window: %d days, %s to %s\n\n", world->days,
			day_text(world->first_day, from),
			day_text(world->first_day + world->days - 1, to));
	fprintf(out, "  %-34s %26s %26s\n", "", "whole source", "window");
	fprintf(out, "  %-34s %9s %16s %9s %16s\n", "", "lines", "GBP", "lines",
			"GBP");
	for (int i = 0; i < FATE_NO_CODE; i++)
		print_sums(out, fate_name((Fate) i), &whole.fates[i],
				   &window.fates[i]);
	print_sums(out, "mapped", &whole.mapped, &window.mapped);
	for (int i = FATE_NO_CODE; i < FATES; i++)
		print_sums(out, fate_name((Fate) i), &whole.fates[i],
				   &window.fates[i]);
	print_sums(out, "not mapped", &whole.unmapped, &window.unmapped);
	for (int i = 0; i < 2; i++)
	{
		const Sums *sums = i == 0 ? &whole : &window;

		total[i].lines = sums->mapped.lines + sums->unmapped.lines;
		total[i].mills = sums->mapped.mills + sums->unmapped.mills;
	}
	print_sums(out, "mapped + not mapped", &total[0], &total[1]);
	fprintf(out, "\n");
	print_sums(out, "invoices of sales", &whole.sales, &window.sales);
	print_sums(out, "invoices C…, credits", &whole.credits, &window.credits);
	print_sums(out, "invoices A…, adjustments", &whole.adjustments,
			   &window.adjustments);
	print_counts(out, "invoices", whole.invoices, window.invoices);
	print_counts(out, "  … that become orders", whole.orders, window.orders);
	print_counts(out, "  … that bring goods back", whole.backs,
				 window.backs);
	print_counts(out, "stock codes", whole.codes, window.codes);
	print_counts(out, "customers", whole.customers, window.customers);

	fine = check_known(world, &whole, out);
	for (int i = 0; i < 2; i++)
	{
		const Sums *sums = i == 0 ? &whole : &window;

		fine &= total[i].lines == sums->sales.lines + sums->credits.lines +
			sums->adjustments.lines;
		fine &= total[i].mills == sums->sales.mills + sums->credits.mills +
			sums->adjustments.mills;
	}
	fprintf(out, "  mapped + not mapped = source: %s\n\n", fine ?
			"yes, exactly" : "NO");
	fprintf(out, "Not mapped, in the window\n");
	for (int i = FATE_NO_CODE; i < FATES; i++)
		print_names(world, out, (Fate) i);
	return fine;
}
