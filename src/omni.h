/*
 * omni.h
 *	  What every C file of omni includes first.
 */
#ifndef OMNI_H
#define OMNI_H

#include "postgres.h"

#include "fmgr.h"

#include "compat.h"
#include "core/errors.h"

/* version of this library; the Makefile reads it from omni.control */
#define OMNI_VERSION CppAsString2(OMNI_VERSION_NUMBER)

/* SQL name of the extension and of the schemas it makes */
#define OMNI_EXTENSION_NAME "omni"
#define OMNI_SCHEMA "omni"
#define OMNI_INTERNAL_SCHEMA "omni_internal"

#endif							/* OMNI_H */
