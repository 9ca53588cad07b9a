/*
 * test_point.h
 *	  Places at which a test can stop a session, and numbers that it can lower;
 *	  nothing in a normal build.
 *
 * Only what "make test" compiles has them (OMNI_TEST_POINTS).  A session that
 * has set omni.test_point to a point's name sends itself SIGSTOP there, once
 * per setting: so it stands still in the middle of a callback or under a
 * lock, and the test lets it go on by SIGCONT.  A point is one line, does
 * nothing else, and cannot fail.
 *
 * OMNI_TEST_AT_ONCE(n) is n, the size of a step of some long work; a test lowers
 * all of them by omni.test_at_once, so that little work takes many steps.
 */
#ifndef OMNI_CORE_TEST_POINT_H
#define OMNI_CORE_TEST_POINT_H

#ifdef OMNI_TEST_POINTS
#define OMNI_TEST_POINT(name) omni_core_test_point(name)
#define OMNI_TEST_AT_ONCE(n) omni_core_test_at_once(n)
extern void omni_core_test_point(const char *name);
extern int	omni_core_test_at_once(int n);
extern void omni_core_test_point_init(void);
#else
#define OMNI_TEST_POINT(name) ((void) 0)
#define OMNI_TEST_AT_ONCE(n) (n)
#endif

#endif							/* OMNI_CORE_TEST_POINT_H */
