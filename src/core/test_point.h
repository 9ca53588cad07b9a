/*
 * test_point.h
 *	  Places at which a test can stop a session; nothing in a normal build.
 *
 * Only what "make test" compiles has them (OMNI_TEST_POINTS).  A session that
 * has set omni.test_point to a point's name sends itself SIGSTOP there, once
 * per setting: so it stands still in the middle of a callback or under a
 * lock, and the test lets it go on by SIGCONT.  A point is one line, does
 * nothing else, and cannot fail.
 */
#ifndef OMNI_CORE_TEST_POINT_H
#define OMNI_CORE_TEST_POINT_H

#ifdef OMNI_TEST_POINTS
#define OMNI_TEST_POINT(name) omni_core_test_point(name)
extern void omni_core_test_point(const char *name);
extern void omni_core_test_point_init(void);
#else
#define OMNI_TEST_POINT(name) ((void) 0)
#endif

#endif							/* OMNI_CORE_TEST_POINT_H */
