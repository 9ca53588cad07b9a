/*
 * cell.h
 *	  The number of this cell, and what it does to ids.
 *
 * Every id is cell × 2^43 + sequence, which stays below 2^53.
 */
#ifndef OMNI_CORE_CELL_H
#define OMNI_CORE_CELL_H

#include "core/core.h"

#define OMNI_CELL_BITS 43
#define OMNI_CELL_MAX 1023

/* Number of the cell that an id belongs to. */
#define OMNI_CELL_OF(id) ((int) ((id) >> OMNI_CELL_BITS))

/* The cell of this database, as committed; or (false) also by oneself. */
extern int	omni_core_cell(bool committed);

#endif							/* OMNI_CORE_CELL_H */
