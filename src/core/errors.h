/*
 * errors.h
 *	  The one table of omni's own SQLSTATEs, class OM.
 *
 * doc/errors.md lists the same codes and names in the same order; a lint in
 * "make test" compares the two.  A code, once released, never changes its
 * meaning.
 */
#ifndef OMNI_CORE_ERRORS_H
#define OMNI_CORE_ERRORS_H

#define OMNI_SQLSTATE(d1, d2, d3) MAKE_SQLSTATE('O', 'M', d1, d2, d3)

/* fewer units can be promised than were asked for */
#define OMNI_ERR_INSUFFICIENT_STOCK		OMNI_SQLSTATE('0', '0', '1')
/* unknown sku, node, channel, id …, or NULL where one is required */
#define OMNI_ERR_NOT_FOUND				OMNI_SQLSTATE('0', '0', '2')
/* the same key was used before with other content */
#define OMNI_ERR_CONFLICT				OMNI_SQLSTATE('0', '0', '3')
/* the object's state does not allow this step */
#define OMNI_ERR_ILLEGAL_STEP			OMNI_SQLSTATE('0', '0', '4')
/* the role's access profile does not cover this */
#define OMNI_ERR_NOT_PERMITTED			OMNI_SQLSTATE('0', '0', '5')
/* a JSON document lacks a key, has an unknown one, or one of a wrong form */
#define OMNI_ERR_MALFORMED_DOCUMENT		OMNI_SQLSTATE('0', '0', '6')
/* an argument is out of its range, or arguments do not fit each other */
#define OMNI_ERR_INVALID_ARGUMENT		OMNI_SQLSTATE('0', '0', '7')
/* a quantity or an amount leaves the range of its type, or an id its cell */
#define OMNI_ERR_OUT_OF_RANGE			OMNI_SQLSTATE('0', '0', '8')
/* arithmetic or an order over two currencies */
#define OMNI_ERR_CURRENCY_MISMATCH		OMNI_SQLSTATE('0', '0', '9')
/* text or binary that is no amount, GTIN or EPC */
#define OMNI_ERR_INVALID_TEXT			OMNI_SQLSTATE('0', '1', '0')
/* omni cannot work here yet: not preloaded, no worker, not adopted … */
#define OMNI_ERR_NOT_READY				OMNI_SQLSTATE('0', '1', '1')
/* omni.stock_memory, omni.match_memory or another bound of memory is used up */
#define OMNI_ERR_OUT_OF_MEMORY			OMNI_SQLSTATE('0', '1', '2')
/* another transaction is closing or changing the same promise, or is making
 * the same request */
#define OMNI_ERR_BUSY					OMNI_SQLSTATE('0', '1', '3')
/* a feed position that the feed does not hold (any more, or yet) */
#define OMNI_ERR_FEED_POSITION			OMNI_SQLSTATE('0', '1', '4')
/* a wait reached its time limit */
#define OMNI_ERR_TIMEOUT				OMNI_SQLSTATE('0', '1', '5')
/* library and SQL objects are of different versions */
#define OMNI_ERR_VERSION_MISMATCH		OMNI_SQLSTATE('0', '1', '6')
/* a hold on the order keeps it from being fulfilled */
#define OMNI_ERR_ON_HOLD				OMNI_SQLSTATE('0', '1', '7')
/* a node has less capacity left on a day than was asked for */
#define OMNI_ERR_NO_CAPACITY			OMNI_SQLSTATE('0', '1', '8')

#endif							/* OMNI_CORE_ERRORS_H */
