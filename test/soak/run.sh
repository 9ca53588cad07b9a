#!/usr/bin/env bash
# Called by "make soak" through test/throwaway.sh, which has installed omni into
# OMNI_DEST; the servers of the test are its own (PostgreSQL's Perl modules).
set -euo pipefail

pgxs=$("$PG_CONFIG" --pkglibdir)/pgxs/src/test
export PG_REGRESS=$pgxs/regress/pg_regress
export PERL5LIB=$pgxs/perl:$PWD/test/tap:$PWD/test/soak${PERL5LIB:+:$PERL5LIB}
export TESTDIR=$OMNI_WORK/soak PGTZ=UTC
mkdir -p "$TESTDIR"
exec perl "test/soak/$1"
