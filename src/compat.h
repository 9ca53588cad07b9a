/*
 * compat.h
 *	  Every test of PG_VERSION_NUM in omni lives here.
 *
 * PostgreSQL 15 is the floor; the code compiles on 15 to 18.
 */
#ifndef OMNI_COMPAT_H
#define OMNI_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "omni needs PostgreSQL 15 or later"
#endif

#endif							/* OMNI_COMPAT_H */
