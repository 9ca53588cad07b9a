#!/usr/bin/env bash
# Compile and run one C unit test: a program that prints TAP and needs no
# server.
#
#   test/run_unit.sh FILE
#
# The file includes what it tests (pure C files over plain arrays) itself, or
# names it in a comment line "Sources: FILE ...", to be compiled apart.
# It is compiled with the address and undefined-behaviour sanitizers.
set -euo pipefail

file=$1
program=$TESTDIR/$(basename "$file" .c)
includedir=$("$PG_CONFIG" --includedir-server)
sources=$(sed -n 's/^ \* Sources: //p' "$file")

gcc -std=gnu99 -O1 -g -Wall -Wextra -Werror -Wno-unused-parameter \
    -fsanitize=address,undefined -fno-sanitize-recover=all \
    -I src -isystem "$includedir" -o "$program" "$file" $sources -lm -ldl
exec "$program"
