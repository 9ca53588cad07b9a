/*
 * normalise_core.h
 *	  One way to write an identifier; no PostgreSQL in it.
 */
#ifndef OMNI_CUSTOMER_NORMALISE_CORE_H
#define OMNI_CUSTOMER_NORMALISE_CORE_H

#include <stdbool.h>

#define OMNI_IDENTIFIER_SIZE 321	/* longest identifier and its NUL */

extern bool omni_customer_normalise_email(const char *text, char *result);
extern bool omni_customer_normalise_phone(const char *text, char *result);

#endif							/* OMNI_CUSTOMER_NORMALISE_CORE_H */
