/*
 * match_model_core.c
 *	  Fellegi and Sunter's model, fitted by EM to counts of vectors of levels.
 *
 * Three classes of pairs: the same person (m), two of one household (h), chance
 * (u).  Fields are independent within a class.  The pair space is the whole
 * one: the candidates, whose vectors are counted, and all the others, which
 * are chance and whose number is known.  What chance does is known better than
 * EM could tell: the share of exact agreements follows from the values' counts
 * (less what the matches among them make up), the rest from a sample of random
 * pairs, each weighed by its probability to be chance.  In the household class
 * the personal fields are those of chance.  Two classes or three: by BIC.
 *
 * Everything is summed in the order of the records' contents, so the result
 * hangs on nothing else.
 */
#include "identity/match_private.h"

#include <math.h>
#include <string.h>

#define SAMPLE_PAIRS	1000000
#define ITERATIONS		200
#define PRIOR_PAIRS		20.0	/* what the first guess of m weighs */
#define USUAL_PAIRS		2000.0	/* what the usual chances weigh */
#define U_PRIOR			0.5		/* pairs added to each level of a large sample */
#define LEAST_SHARE		0.02	/* of a class in a vector, to count at all */
#define MOST_MATCHES	0.05	/* of all pairs, or three for each record */
#define LEAST_M			1e-4
#define LEAST_U			1e-10
#define MOST_RARITY		3.0		/* what a value's frequency may add or take */
#define LEAST_TO_REFUSE	100		/* fewer records may all be one person's */
#define TWINS			0.008	/* of pairs of a household */
#define NAMESAKES		0.01
#define FEW_RECORDS		1000	/* too few to tell whether there are households */
#define LEAST_REST		0.001	/* of exact pairs, to chance at least */
#define COUNT_SMOOTHING 3		/* added to a value's count */

/* Sums of one E-step. */
typedef struct Sums
{
	double		m[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];
	double		h[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];
	double		total_m;
	double		total_h;
	double		log_likelihood;
} Sums;

/* What is known of chance before any class is. */
typedef struct Chance
{
	bool		exact[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];
	double		exact_pairs[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];
	double		both_filled[OMNI_MATCH_FIELDS];
	double		share[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];	/* of records */
} Chance;

/* Logarithms of the current parameters. */
static void
take_logs(const OmniMatchModel *model, Logs *logs)
{
	double		rest = model->all_pairs - model->matches - model->households;

	memset(logs, 0, sizeof(*logs));
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		for (int l = 1; l <= model->field[f].nlevels; l++)
		{
			logs->m[f][l] = log(model->field[f].m[l]);
			logs->h[f][l] = log(model->field[f].h[l]);
			logs->u[f][l] = log(model->field[f].u[l]);
		}
	logs->prior_m = log(model->matches / model->all_pairs);
	logs->prior_h = model->classes == 3 && model->households > 0 ?
		log(model->households / model->all_pairs) : -1e9;
	logs->prior_u = log((rest > 1 ? rest : 1) / model->all_pairs);
}

/* Log likelihoods of a vector in the three classes, priors included. */
static inline void
class_logs(const Logs *logs, uint64_t vector, double *m, double *h, double *u)
{
	*m = logs->prior_m;
	*h = logs->prior_h;
	*u = logs->prior_u;
	for (int f = 0; vector != 0; f++, vector >>= 4)
	{
		int			l = (int) (vector & 15);

		*m += logs->m[f][l];
		*h += logs->h[f][l];
		*u += logs->u[f][l];
	}
}

/* Shares of the classes, and the log of the sum. */
static double
normalise(double *m, double *h, double *u)
{
	double		most = *m > *h ? *m : *h;
	double		sum;

	if (*u > most)
		most = *u;
	*m = exp(*m - most);
	*h = exp(*h - most);
	*u = exp(*u - most);
	sum = *m + *h + *u;
	*m /= sum;
	*h /= sum;
	*u /= sum;
	return most + log(sum);
}

/* Expected counts of the classes among the candidates. */
static void
expect(const OmniMatchEngine *engine, const Logs *logs, Sums *sums)
{
	memset(sums, 0, sizeof(*sums));
	for (uint32_t v = 0; v < engine->vectors.n; v++)
	{
		uint64_t	vector = engine->vectors.keys[v];
		double		count = (double) engine->vectors.counts[v];
		double		m;
		double		h;
		double		u;

		class_logs(logs, vector, &m, &h, &u);
		sums->log_likelihood += count * normalise(&m, &h, &u);
		/* pairs that say nothing would let the classes grow as they like */
		m = m < LEAST_SHARE ? 0 : m * count;
		h = h < LEAST_SHARE ? 0 : h * count;
		if (m == 0 && h == 0)
			continue;
		sums->total_m += m;
		sums->total_h += h;
		for (int f = 0; vector != 0; f++, vector >>= 4)
		{
			sums->m[f][vector & 15] += m;
			sums->h[f][vector & 15] += h;
		}
	}
	/* all other pairs are chance */
	sums->log_likelihood += (engine->model.all_pairs -
							 engine->model.candidates) * logs->prior_u;
}

/*
 * What chance does in one field: exact levels by the values' counts less the
 * matches and households among them, the others by the sample's weights; what
 * is usual in the world is added, as if it had been seen in some pairs.
 */
static void
set_chance(OmniMatchEngine *engine, int f, const Chance *chance,
		   const double *sampled, const Sums *sums)
{
	OmniMatchFieldModel *field = &engine->model.field[f];
	const double *usual = omni_match_usual_chance(f);
	double		exact = 0;
	double		all = chance->both_filled[f];
	double		rest = 0;
	double		usual_rest = 1;
	double		seen = 0;
	double		least;

	for (int l = 1; l <= field->nlevels; l++)
	{
		if (sums != NULL)
			all -= sums->m[f][l] + sums->h[f][l];
		seen += sampled[l];
		if (l < field->nlevels)
			usual_rest -= usual[l];
	}
	least = U_PRIOR * (seen < 1e6 ? seen / 1e6 : 1);
	for (int l = 1; l <= field->nlevels; l++)
		if (chance->exact[f][l] && chance->both_filled[f] >= 1)
		{
			double		pairs = chance->exact_pairs[f][l];

			if (sums != NULL)
				pairs -= sums->m[f][l] + sums->h[f][l];
			if (pairs < chance->exact_pairs[f][l] * LEAST_REST)
				pairs = chance->exact_pairs[f][l] * LEAST_REST;
			field->u[l] = (pairs + least + USUAL_PAIRS * usual[l]) /
				((all > pairs ? all : pairs) + USUAL_PAIRS);
			exact += field->u[l];
		}
		else
			rest += sampled[l] + least + USUAL_PAIRS *
				(l < field->nlevels ? usual[l] : usual_rest);
	if (exact > 0.999)
		exact = 0.999;
	for (int l = 1; l <= field->nlevels; l++)
	{
		if (!(chance->exact[f][l] && chance->both_filled[f] >= 1))
			field->u[l] = (sampled[l] + least + USUAL_PAIRS *
						   (l < field->nlevels ? usual[l] : usual_rest)) /
				rest * (1 - exact);
		if (field->u[l] < LEAST_U)
			field->u[l] = LEAST_U;
	}
}

/*
 * What chance does: exact levels by the values' counts less the matches and
 * households among them, the others by the sample.
 */
static void
estimate_chance(OmniMatchEngine *engine, const Chance *chance,
				const Logs *logs, const Sums *sums)
{
	double		sampled[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];

	memset(sampled, 0, sizeof(sampled));
	for (uint32_t v = 0; v < engine->sample.n; v++)
	{
		uint64_t	vector = engine->sample.keys[v];
		double		weight = (double) engine->sample.counts[v];

		if (logs != NULL)
		{
			double		m;
			double		h;
			double		u;

			class_logs(logs, vector, &m, &h, &u);
			normalise(&m, &h, &u);
			weight *= u;
		}
		for (int f = 0; vector != 0; f++, vector >>= 4)
			sampled[f][vector & 15] += weight;
	}
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		set_chance(engine, f, chance, sampled[f], sums);
}

/* The first guess of m: agreement is usual, errors are less so. */
static void
guess_matches(OmniMatchEngine *engine, const Chance *chance)
{
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
	{
		OmniMatchFieldModel *field = &engine->model.field[f];
		double		shares = 0;
		int			exact = 0;
		int			others;

		for (int l = 1; l <= field->nlevels; l++)
			if (chance->exact[f][l])
			{
				exact++;
				shares += chance->share[f][l] + 1e-6;
			}
		others = field->nlevels - exact - 1;
		for (int l = 1; l <= field->nlevels; l++)
		{
			if (l == field->nlevels)
				field->m[l] = 0.06;
			else if (chance->exact[f][l])
				field->m[l] = (others > 0 ? 0.74 : 0.94) *
					(chance->share[f][l] + 1e-6) / shares;
			else
				field->m[l] = exact > 0 ? 0.20 / others :
					0.94 * 2 * (field->nlevels - l) /
					((double) field->nlevels * (field->nlevels - 1));
		}
	}
}

/*
 * A personal field in a household: as by chance, but for the few twins, and
 * parents and children of one name.
 */
static double
household_chance(const Chance *chance, int f, int l, double u)
{
	double		same = f == OMNI_MATCH_F_BIRTH ? TWINS :
		f == OMNI_MATCH_F_GIVEN ? NAMESAKES : 0;
	double		share = 0;

	if (same == 0)
		return u;
	for (int k = 1; k < OMNI_MATCH_LEVELS; k++)
		if (chance->exact[f][k])
			share += chance->share[f][k];
	return u * (1 - same) + (chance->exact[f][l] && share > 0 ?
							 same * chance->share[f][l] / share : 0);
}

/* Between one pair and the most that can be. */
static double
limit(double pairs, double most)
{
	return pairs < 1 ? 1 : pairs > most ? most : pairs;
}

/* Parameters that make the expected counts most likely, with the priors. */
static void
maximise(OmniMatchModel *model, const OmniMatchModel *prior,
		 const Chance *chance, const Sums *sums, double most)
{
	model->matches = limit(sums->total_m, most);
	model->households = limit(sums->total_h, most);
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
	{
		OmniMatchFieldModel *field = &model->field[f];
		double		total_m = PRIOR_PAIRS;
		double		total_h = PRIOR_PAIRS;

		for (int l = 1; l <= field->nlevels; l++)
		{
			total_m += sums->m[f][l];
			total_h += sums->h[f][l];
		}
		for (int l = 1; l <= field->nlevels; l++)
		{
			field->m[l] = (sums->m[f][l] +
						   PRIOR_PAIRS * prior->field[f].m[l]) / total_m;
			if (field->m[l] < LEAST_M)
				field->m[l] = LEAST_M;
			if (field->personal)
				field->h[l] = household_chance(chance, f, l, field->u[l]);
			else
			{
				field->h[l] = (sums->h[f][l] +
							   PRIOR_PAIRS * prior->field[f].h[l]) / total_h;
				if (field->h[l] < LEAST_M)
					field->h[l] = LEAST_M;
			}
		}
	}
}

/* More matches than this there cannot be. */
static double
most_matches(const OmniMatchEngine *engine)
{
	double		most = engine->model.all_pairs * MOST_MATCHES;

	if (most < 3.0 * engine->n)
		most = 3.0 * engine->n;
	return most < engine->model.all_pairs ? most : engine->model.all_pairs;
}

/* EM with a given number of classes. */
static void
run_em(OmniMatchEngine *engine, const Chance *chance, int classes)
{
	OmniMatchModel *model = &engine->model;
	OmniMatchModel prior;
	Logs		logs;
	Sums		sums;
	double		last = -1e300;
	double		most = most_matches(engine);

	model->classes = classes;
	estimate_chance(engine, chance, NULL, NULL);
	guess_matches(engine, chance);
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		for (int l = 1; l <= model->field[f].nlevels; l++)
			model->field[f].h[l] = model->field[f].personal ?
				household_chance(chance, f, l, model->field[f].u[l]) :
				model->field[f].m[l];
	model->matches = engine->n * 0.2 + 1;
	model->households = engine->n * 0.2 + 1;
	if (model->matches > model->all_pairs / 4)
		model->matches = model->households = model->all_pairs / 4;
	prior = *model;
	for (model->iterations = 0; model->iterations < ITERATIONS;
		 model->iterations++)
	{
		take_logs(model, &logs);
		expect(engine, &logs, &sums);
		engine->env.tick(engine->env.arg, OMNI_MATCH_PHASE_MODEL,
						 (uint64_t) model->iterations, ITERATIONS);
		if (classes == 2)
			sums.total_h = 0;
		model->log_likelihood = sums.log_likelihood;
		if (model->iterations == 0)
			model->first_log_likelihood = sums.log_likelihood;
		if (model->iterations > 5 &&
			fabs(sums.log_likelihood - last) < 1e-9 * fabs(last) + 1e-3)
			break;
		last = sums.log_likelihood;
		estimate_chance(engine, chance, &logs, &sums);
		maximise(model, &prior, chance, &sums, most);
		if (classes == 2)
			model->households = 0;
	}
}

/* What values' counts say about exact agreement by chance. */
static void
count_exact(OmniMatchEngine *engine, Chance *chance)
{
	memset(chance, 0, sizeof(*chance));
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
	{
		int			attribute = omni_match_frequency_attribute(f, 1);
		const Dictionary *dict;
		double		filled;

		/* composite fields are sampled */
		if (attribute < 0 || f == OMNI_MATCH_F_ADDRESS ||
			f == OMNI_MATCH_F_LOCALITY || engine->place[attribute] == 0)
			continue;
		dict = &engine->dictionary[attribute];
		filled = (double) dict->filled;
		chance->both_filled[f] = filled * (filled - 1) / 2;
		for (int l = 1; l <= engine->model.field[f].nlevels; l++)
			chance->exact[f][l] = omni_match_frequency_attribute(f, l) >= 0;
	}
}

/* Logarithms of the values' frequencies, those of rare ones made less sure. */
static void
smooth_frequencies(OmniMatchEngine *engine)
{
	for (int a = 0; a < ATTRIBUTES; a++)
	{
		Dictionary *dict = &engine->dictionary[a];

		for (uint32_t v = 1; v < dict->nvalues; v++)
			dict->values[v].log_smoothed =
				(float) log((double) (dict->values[v].count +
									  COUNT_SMOOTHING) /
							(double) dict->filled);
	}
}

/*
 * Levels of exact agreement by the records' own values: a record with itself
 * has the level of its value.
 */
static void
count_levels(OmniMatchEngine *engine, Chance *chance)
{
	double		sums[OMNI_MATCH_FIELDS][OMNI_MATCH_LEVELS];

	memset(sums, 0, sizeof(sums));
	smooth_frequencies(engine);
	for (uint32_t r = 0; r < engine->n; r++)
	{
		uint64_t	vector = omni_match_compare(engine, r, r);

		for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		{
			int			l = LEVEL_OF(vector, f);
			int			attribute;
			uint32_t	number;
			const Value *value;
			const Dictionary *dict;

			if (l == 0 || (attribute = omni_match_frequency_attribute(f, l)) < 0 ||
				(number = omni_match_number(engine, attribute, r)) == 0)
				continue;
			dict = &engine->dictionary[attribute];
			value = &dict->values[number];
			chance->share[f][l] += 1.0 / engine->n;
			if (chance->exact[f][l])
				chance->exact_pairs[f][l] += (value->count - 1) / 2.0;
			sums[f][l] += 1;
			engine->frequency_mean[f][l] +=
				(double) (value->count + COUNT_SMOOTHING) /
				(double) dict->filled;
		}
	}
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		for (int l = 1; l < OMNI_MATCH_LEVELS; l++)
			if (sums[f][l] > 0)
				engine->frequency_mean[f][l] =
					log(engine->frequency_mean[f][l] / sums[f][l]);
}

/* Vectors of random pairs. */
static void
draw_sample(OmniMatchEngine *engine)
{
	double		all = (double) engine->n * (engine->n - 1) / 2;
	uint32_t	draws = SAMPLE_PAIRS;
	uint64_t	state = UINT64_C(0x2545f4914f6cdd1d);

	omni_match_vectors_init(engine, &engine->sample);
	if (all <= draws)
	{
		for (uint32_t a = 0; a < engine->n; a++)
			for (uint32_t b = a + 1; b < engine->n; b++)
				omni_match_vector_add(engine, &engine->sample,
								 omni_match_compare(engine, a, b), 1);
		return;
	}
	for (uint32_t i = 0; i < draws; i++)
	{
		uint32_t	a;
		uint32_t	b;

		state += UINT64_C(0x9e3779b97f4a7c15);
		a = (uint32_t) ((omni_match_mix(state) >> 32) * engine->n >> 32);
		b = (uint32_t) ((omni_match_mix(state ^ UINT64_C(0x5bd1e995)) >> 32) *
						engine->n >> 32);
		if (a == b)
			continue;
		omni_match_vector_add(engine, &engine->sample,
						 omni_match_compare(engine, a, b), 1);
		if ((i & 0xfff) == 0)
			engine->env.tick(engine->env.arg, OMNI_MATCH_PHASE_MODEL, 0,
							 ITERATIONS);
	}
}

/* How many pairs there are: only of different sources where that was said. */
static double
count_pairs(const OmniMatchEngine *engine)
{
	double		n = engine->n;
	double		pairs = n * (n - 1) / 2;
	const Dictionary *dict = &engine->dictionary[A_SOURCE];

	if (engine->options.unique_within_source)
		for (uint32_t v = 1; v < dict->nvalues; v++)
		{
			double		count = dict->values[v].count;

			pairs -= count * (count - 1) / 2;
		}
	return pairs < 1 ? 1 : pairs;
}

/* Which fields there is anything to compare in; the counts of levels. */
static void
count_candidates(OmniMatchEngine *engine)
{
	OmniMatchModel *model = &engine->model;

	model->candidates = (double) engine->npairs;
	for (uint32_t v = 0; v < engine->vectors.n; v++)
		for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
			model->field[f].pairs[LEVEL_OF(engine->vectors.keys[v], f)] +=
				engine->vectors.counts[v];
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		for (int l = 1; l <= model->field[f].nlevels; l++)
			model->field[f].used |= model->field[f].pairs[l] > 0;
}

/*
 * How much rarer than usual at its level the value is that a record has in a
 * field in which it agrees: added to the level's weight.
 */
double
omni_match_rarity_of(const OmniMatchEngine *engine, uint32_t record,
					 int field, int level)
{
	int			attribute = omni_match_frequency_attribute(field, level);
	uint32_t	number;
	double		rarity;

	if (attribute < 0)
		return 0;
	number = omni_match_number(engine, attribute, record);
	if (number == 0)
		return 0;
	rarity = engine->frequency_mean[field][level] -
		omni_match_value(engine, attribute, number)->log_smoothed;
	return rarity > MOST_RARITY ? MOST_RARITY :
		rarity < -MOST_RARITY ? -MOST_RARITY : rarity;
}

/* The three classes' log likelihoods of a pair, with its values' rarity. */
static void
pair_logs(const OmniMatchEngine *engine, uint32_t record, uint64_t vector,
		  double *m, double *h, double *u)
{
	class_logs(&engine->logs, vector, m, h, u);
	for (int f = 0; vector != 0; f++, vector >>= 4)
	{
		int			l = (int) (vector & 15);
		double		rarity;

		if (l == 0)
			continue;
		rarity = omni_match_rarity_of(engine, record, f, l);
		*u -= rarity;
		if (engine->model.field[f].personal)
			*h -= rarity;
	}
}

/* Log odds of a pair: the same person against anything else. */
double
omni_match_odds(const OmniMatchEngine *engine, uint32_t a, uint32_t b,
				uint64_t vector)
{
	double		m;
	double		h;
	double		u;

	(void) b;
	pair_logs(engine, a, vector, &m, &h, &u);
	return m - (h > u ? h + log1p(exp(u - h)) : u + log1p(exp(h - u)));
}

/* Log odds of one household against chance. */
double
omni_match_household_odds(const OmniMatchEngine *engine, uint32_t a,
						  uint64_t vector)
{
	double		m;
	double		h;
	double		u;

	pair_logs(engine, a, vector, &m, &h, &u);
	return h - u;
}

/* Reasons to call nothing a match. */
static OmniMatchRefusal
find_refusal(const OmniMatchEngine *engine)
{
	const OmniMatchModel *model = &engine->model;
	bool		used = false;

	if (engine->n < 2)
		return OMNI_MATCH_FINE;
	if (engine->npairs == 0)
		return OMNI_MATCH_NO_PAIRS;
	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
		used |= model->field[f].used;
	if (!used)
		return OMNI_MATCH_NO_FIELDS;
	if (engine->n >= LEAST_TO_REFUSE && model->matches >
		0.98 * most_matches(engine))
		return OMNI_MATCH_TOO_MANY;
	for (uint32_t v = 0; v < engine->vectors.n; v++)
	{
		double		m;
		double		h;
		double		u;

		class_logs(&engine->logs, engine->vectors.keys[v], &m, &h, &u);
		if (m > (h > u ? h : u) - MOST_RARITY)
			return OMNI_MATCH_FINE;
	}
	return OMNI_MATCH_NO_CONTRAST;
}

/* Are there personal fields and others, so that households can be told? */
static bool
can_tell_households(const OmniMatchModel *model)
{
	bool		personal = false;
	bool		shared = false;

	for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
	{
		personal |= model->field[f].used && model->field[f].personal;
		shared |= model->field[f].used && !model->field[f].personal;
	}
	return personal && shared;
}

/*
 * Fit the model to the candidates.
 */
void
omni_match_model_fit(OmniMatchEngine *engine)
{
	OmniMatchModel *model = &engine->model;
	OmniMatchModel two;
	Chance		chance;

	model->all_pairs = count_pairs(engine);
	count_candidates(engine);
	count_exact(engine, &chance);
	count_levels(engine, &chance);
	draw_sample(engine);

	for (int classes = 2; classes <= (can_tell_households(model) ? 3 : 2);
		 classes++)
	{
		int			parameters = 0;

		run_em(engine, &chance, classes);
		for (int f = 0; f < OMNI_MATCH_FIELDS; f++)
			if (model->field[f].used)
				parameters += (model->field[f].nlevels - 1) *
					(classes == 3 && !model->field[f].personal ? 2 : 1);
		parameters += classes - 1;
		model->bic[classes] = parameters * log(model->candidates + 1) -
			2 * model->log_likelihood;
		if (classes == 2)
			two = *model;
		else if (two.bic[2] <= model->bic[3] && engine->n >= FEW_RECORDS)
		{
			double		bic = model->bic[3];

			*model = two;
			model->bic[3] = bic;
		}
	}
	take_logs(model, &engine->logs);
	model->refusal = find_refusal(engine);
}
