#!/usr/bin/env bash
# A throw-away PostgreSQL server with omni preloaded, for tests, the
# demonstration and development.
#
#   test/server.sh start DIR     install the built tree into DIR, make a
#                                cluster in it and start it
#   test/server.sh stop DIR      stop it
#   test/server.sh remove DIR    stop it and delete DIR
#   test/server.sh run DIR CMD…  run CMD as the server's user, with PGHOST,
#                                PGPORT, PGUSER and PGDATABASE set
#   test/server.sh user DIR      print the name of that user
#
# Nothing outside DIR is written: the extension is found by extension_destdir
# and dynamic_library_path, the server listens on a socket in DIR alone.  As
# root the server runs as the user OMNI_USER (default: postgres, else nobody).
# CONF adds lines to postgresql.conf.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
bindir=$("$PG_CONFIG" --bindir)
pkglibdir=$("$PG_CONFIG" --pkglibdir)

command=${1:?start, stop, remove, run or user}
dir=$(readlink -m "${2:?directory}")
shift 2

if [ "$(id -u)" = 0 ]; then
    user=${OMNI_USER:-$(id -un postgres 2>/dev/null || echo nobody)}
else
    user=$(id -un)
fi

as_user() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid="$user" --regid="$(id -gn "$user")" --clear-groups \
            env HOME="$dir" USER="$user" LOGNAME="$user" "$@"
    else
        "$@"
    fi
}

client_env() {
    export PGHOST="$dir/socket" PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
    export PATH="$bindir:$PATH" PG_CONFIG
    export OMNI_DEST="$dir/dest" OMNI_LOG="$dir/server.log"
}

start() {
    mkdir -p "$dir/socket" "$dir/dest"
    # What an outer make was told is no business of this one; bitcode for the
    # server's JIT would double the time.
    env -u MAKEFLAGS -u MAKEOVERRIDES -u MFLAGS -u MAKELEVEL -u DATA \
        make -s -C "$here" install with_llvm=no DESTDIR="$dir/dest" \
        PG_CONFIG="$PG_CONFIG" >"$dir/install.log" 2>&1 ||
        { cat "$dir/install.log" >&2; exit 1; }
    if [ "$(id -u)" = 0 ]; then chown -R "$user" "$dir"; fi
    cd "$dir"
    if [ ! -d "$dir/data" ]; then
        as_user "$bindir/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 \
            --locale=C.UTF-8 --no-sync >"$dir/initdb.log"
        cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/socket'
shared_preload_libraries = 'omni'
extension_destdir = '$dir/dest'
dynamic_library_path = '$dir/dest$pkglibdir:\$libdir'
max_connections = 120
max_worker_processes = 32
shared_buffers = 512MB
max_wal_size = 4GB
log_line_prefix = '%m [%p] %b %q%a/%d '
timezone = 'UTC'
${CONF:-}
CONF
    fi
    as_user "$bindir/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -s start ||
        { tail -20 "$dir/server.log" >&2; exit 1; }
}

stop() {
    if [ -f "$dir/data/postmaster.pid" ]; then
        cd "$dir"
        as_user "$bindir/pg_ctl" -D "$dir/data" -m fast -w -s -t 20 stop ||
            as_user "$bindir/pg_ctl" -D "$dir/data" -m immediate -w -s stop ||
            true
    fi
}

case $command in
    start) start ;;
    stop) stop ;;
    remove) stop; cd /; rm -rf "$dir" ;;
    user) echo "$user" ;;
    run) client_env; as_user "$@" ;;
    *) echo "server.sh: unknown command $command" >&2; exit 2 ;;
esac
