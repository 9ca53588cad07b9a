#!/usr/bin/env bash
# Run a command beside a throw-away server that has omni preloaded.
#
#   test/throwaway.sh KIND COMMAND [ARG…]
#
# KIND (test, demo, bench, soak) names the packages that test/setup.sh installs
# first.  The command runs as the server's user (never root), in a copy of the
# source tree, with PGHOST, PGPORT, PGUSER, PGDATABASE, PATH and
#
#   OMNI_WORK   a folder of its own, for whatever it writes
#   OMNI_DEST   where the extension is installed (as DESTDIR)
#   OMNI_DATA   the data folder, when the caller has set one
#   TMPDIR      inside OMNI_WORK
#
# The extension is compiled in the caller's tree, as "make" does, so a second
# run compiles only what changed.  Everything else is in one temporary folder;
# it and every server in it are gone afterwards, also after a failure or
# Ctrl-C.  RESULTS names a folder of the caller's to which the files that a
# successful command has left in OMNI_WORK/results are copied.  KEEP=1 leaves
# the folder (stopped) and says where it is.
set -euo pipefail

kind=${1:?kind}
shift

# What the outer make was told is no business of the inner ones.
unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL DATA

here=$(cd "$(dirname "$0")/.." && pwd)
"$here/test/setup.sh" "$kind"

base=/tmp
if [ "$(id -u)" != 0 ]; then base=${TMPDIR:-/tmp}; fi
work=$(mktemp -d "$base/omni-$kind.XXXXXX")
chmod 755 "$work"
child=

# Stop every server whose data folder is in ours, by the id that it left.
stop_servers() {
    local pidfile pid
    while IFS= read -r -d '' pidfile; do
        pid=$(head -n 1 "$pidfile" 2>/dev/null) || continue
        kill -QUIT "$pid" 2>/dev/null || continue
        timeout 10 tail --pid="$pid" -f /dev/null || true
        kill -KILL "$pid" 2>/dev/null || true
    done < <(find "$work" -name postmaster.pid -print0 2>/dev/null)
}

cleanup() {
    local status=$?
    trap - EXIT INT TERM HUP
    if [ -n "$child" ]; then
        kill -TERM -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    "$here/test/server.sh" stop "$work/server" >/dev/null 2>&1 || true
    stop_servers
    if [ -n "${KEEP:-}" ]; then
        echo "kept: $work"
    else
        rm -rf "$work"
    fi
    exit $status
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

SECONDS=0
echo "compiling omni and starting a server with it"
if [ "$kind" = test ]; then
    # What a test can lose by a crash of the machine is nothing.
    CONF="fsync = off
max_prepared_transactions = 40
${CONF:-}"
    export CONF
    export OMNI_WERROR=1 OMNI_TEST_POINTS=1
fi
"$here/test/server.sh" start "$work/server"
echo "ready after $SECONDS s"

mkdir "$work/tree" "$work/out" "$work/tmp"
tar -C "$here" -cf - --exclude=./.git --exclude=./build --exclude='*.bc' . |
    tar -C "$work/tree" -xf -

user=$("$here/test/server.sh" user "$work/server")
if [ -n "${OMNI_DATA:-}" ]; then
    OMNI_DATA=$(readlink -f "$OMNI_DATA")
    [ -d "$OMNI_DATA" ] || { echo "no such folder: DATA=$OMNI_DATA" >&2; exit 1; }
    if ! "$here/test/server.sh" run "$work/server" \
        ls "$OMNI_DATA" >/dev/null 2>&1; then
        cp -r "$OMNI_DATA" "$work/data"
        OMNI_DATA=$work/data
    fi
    export OMNI_DATA
fi
if [ "$(id -u)" = 0 ]; then
    chown -R "$user" "$work/tree" "$work/out" "$work/tmp"
    if [ -d "$work/data" ]; then chown -R "$user" "$work/data"; fi
fi

export OMNI_WORK=$work/out TMPDIR=$work/tmp
cd "$work/tree"
set -m
"$here/test/server.sh" run "$work/server" "$@" </dev/null &
child=$!
set +m
status=0
wait "$child" || status=$?
child=
if [ $status = 0 ] && [ -n "${RESULTS:-}" ]; then
    cp "$work"/out/results/* "$here/$RESULTS/"
fi
exit $status
