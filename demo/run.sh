#!/usr/bin/env bash
# The demonstration: a retailer's days against a server with omni.
#
#   make demo [DATA=FOLDER] [DAYS=N] [CRASH=1]
#
# Runs beside a throw-away server (test/throwaway.sh), with PGHOST and the
# like set, OMNI_WORK for what it writes and OMNI_DATA for real input.  CRASH=1
# replays twice: undisturbed, and with a kill -9 of the server in the middle;
# both reports must be the same.  At the end the database is dumped, restored
# under another name, compared, and its feed goes on there.
set -euo pipefail

cd "$(dirname "$0")"
PG_CONFIG=${PG_CONFIG:-pg_config}
work=${OMNI_WORK:?run this by "make demo"}
bindir=$("$PG_CONFIG" --bindir)
replay=$work/omni_replay
CC=${CC:-cc}

options=(--days "${DAYS:-30}")
if [ -n "${OMNI_DATA:-}" ]; then options+=(--data "$OMNI_DATA"); fi

say() { printf '\n== %s\n' "$*"; }
ask() { psql -XAtq -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

new_database() {
    createdb -T template0 "$1"
    # when the worker serves the queue of waiting orders hangs on its clock, and
    # two runs shall come to the same
    ask postgres 'ALTER SYSTEM SET omni.serve_parked = off'
    # these orders are large: see README.md
    ask postgres 'ALTER SYSTEM SET omni.sourcing_budget = 100000'
    ask postgres 'SELECT pg_reload_conf()' >/dev/null
    ask "$1" 'CREATE EXTENSION omni'
}

# ---- kill -9 in the middle, and start again ----

# The postmaster and all its children at once, as a power cut would.
kill_server() {
    local data pid children
    data=$1
    pid=$(head -n 1 "$data/postmaster.pid")
    mapfile -t children < <(grep -ls "^PPid:[[:space:]]*$pid\$" \
        /proc/[0-9]*/status | cut -d/ -f3)
    kill -9 "$pid" "${children[@]}" 2>/dev/null || true
    timeout 20 tail --pid="$pid" -f /dev/null || true
}

start_server() {
    local data=$1 try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        "$bindir/pg_ctl" -D "$data" -l "$work/restart.log" -w -s start \
            2>>"$work/restart.log" && return 0
        sleep 0.5
    done
    tail -n 20 "$work/restart.log" >&2
    return 1
}

# Wait until half of the window's days are done, then strike.
crash_half_way() {
    local database=$1 client=$2 data half done_days
    data=$(ask "$database" 'SHOW data_directory')
    while kill -0 "$client" 2>/dev/null; do
        done_days=$(ask "$database" 'SELECT max(day) - min(r.first_day), min(r.days)
            FROM replay.progress, replay.run AS r' 2>/dev/null) || done_days=
        half=${done_days#*|}
        done_days=${done_days%|*}
        if [ -n "$done_days" ] && [ "$done_days" -ge $((half / 2)) ]; then
            kill_server "$data"
            printf '\n== kill -9 of the server, then start\n' >&2
            start_server "$data"
            return 0
        fi
        sleep 0.05
    done
    echo "the replay ended before the server was killed" >&2
    return 1
}

replay_with_crash() {
    local client status=0
    PGDATABASE=crash "$replay" "${options[@]}" --report "$work/crash.report" &
    client=$!
    crash_half_way crash $client || status=1
    wait $client || status=1
    return $status
}

# ---- dump and restore ----

dump_and_restore() {
    local position next
    say 'pg_dump, and restore under another name'
    PGDATABASE=demo "$replay" --fingerprint >"$work/before"
    position=$(ask demo "SELECT position FROM omni.consumer WHERE name = 'replay report'")
    pg_dump -Fc -f "$work/demo.dump" demo
    createdb -T template0 restored
    pg_restore -d restored --exit-on-error "$work/demo.dump"
    PGDATABASE=restored "$replay" --fingerprint >"$work/after"
    cat "$work/after"
    cmp "$work/before" "$work/after"
    echo '  the same before and after: yes'

    # a change in the restored database is the consumer's next event or so:
    # nothing comes twice, nothing is left out
    ask restored "SELECT omni.receive_stock((SELECT code FROM omni.node ORDER BY id LIMIT 1),
        (SELECT sku FROM omni.item ORDER BY id LIMIT 1), 1, 'after the restore')" >/dev/null
    ask restored "SELECT omni.wait_for_tick('1 min')" >/dev/null
    next=$(ask restored "SELECT min(position) || ' ' || string_agg(kind, ' ' ORDER BY position)
        FROM omni.read_events('replay report')")
    echo "  feed read up to $position; next in the restored database: $next"
    [ "${next%% *}" = $((position + 1)) ]
    [[ $next == *stock.receive* ]]
    [ -z "$(ask restored 'SELECT * FROM omni.verify_stock()')" ]
}

say 'building the client'
"$CC" -std=gnu11 -O2 -g -Wall -Wextra -Werror -I. \
    -I"$("$PG_CONFIG" --includedir)" ./*.c -o "$replay" \
    -L"$("$PG_CONFIG" --libdir)" -lpq -lm -lpthread

say "replay${OMNI_DATA:+ of real input}"
new_database demo
PGDATABASE=demo "$replay" "${options[@]}" --report "$work/plain.report"

if [ "${CRASH:-0}" != 0 ]; then
    say 'the same once more, with a kill -9 of the server in the middle'
    new_database crash
    replay_with_crash
    if ! diff "$work/plain.report" "$work/crash.report"; then
        echo 'the reports differ' >&2
        exit 1
    fi
    say 'both reports are the same'
fi

dump_and_restore
say "done in $SECONDS s"
