#!/usr/bin/env bash
# Run one pgTAP file in a fresh database that has pgtap and omni.
#
#   test/run_pgtap.sh FILE
set -euo pipefail

file=$1
database=pgtap_$(basename "$file" .sql)

psql -X -q -d postgres -c "CREATE DATABASE $database"
psql -X -q -d "$database" -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION pgtap' \
    -c 'CREATE EXTENSION omni'
status=0
psql -X -q -A -t -P pager=off -v ON_ERROR_STOP=1 -d "$database" -f "$file" ||
    status=$?
psql -X -q -d postgres -c "DROP DATABASE $database WITH (FORCE)"
exit $status
