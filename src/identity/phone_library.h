/*
 * phone_library.h
 *	  libphonenumber behind one C function; see phone_library.cpp.
 */
#ifndef OMNI_IDENTITY_PHONE_LIBRARY_H
#define OMNI_IDENTITY_PHONE_LIBRARY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

__attribute__((visibility("default")))
extern int	omni_phone_library_e164(const char *text, size_t len,
									const char *country, char *result,
									size_t size);

#ifdef __cplusplus
}
#endif

#endif							/* OMNI_IDENTITY_PHONE_LIBRARY_H */
