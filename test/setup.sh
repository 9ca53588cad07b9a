#!/usr/bin/env bash
# Install what a target of the Makefile needs and this machine lacks.
#
#   test/setup.sh test|demo|bench|soak|fuzz
#
# Debian packages only, missing ones only, nothing is upgraded: an upgrade
# would restart the machine's own clusters.  No cluster is made on a machine
# that gets PostgreSQL by this.  With everything in place it does nothing and
# needs no rights; else it runs as root, or by sudo.
set -euo pipefail

kind=${1:?test, demo, bench, soak or fuzz}

needed=(gcc libc6-dev make postgresql-15 postgresql-server-dev-15 libpq-dev)
case $kind in
    test) needed+=(perl libipc-run-perl postgresql-15-pgtap
        g++ libphonenumber-dev) ;;
    demo) needed+=(g++ libphonenumber-dev) ;;
    soak) needed+=(perl libipc-run-perl) ;;
    bench) needed+=(perl g++ libphonenumber-dev) ;;
    fuzz) needed+=(clang libclang-rt-14-dev) ;;
esac

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${needed[@]}"; do
    installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "setup: needs ${missing[*]}, and knows only Debian's apt-get" >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: run this as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# A new server package makes a cluster and starts it, unless told not to.
etc=/etc/postgresql-common
dropin=
if ! installed postgresql-15; then
    if [ -e $etc/createcluster.conf ]; then
        # The machine's own file stays as it is; ours is gone afterwards.
        dropin=$etc/createcluster.d/omni-test.conf
        "${as_root[@]}" mkdir -p $etc/createcluster.d
        trap '"${as_root[@]}" rm -f "$dropin"' EXIT
        echo 'create_main_cluster = false' |
            "${as_root[@]}" tee "$dropin" >/dev/null
    else
        "${as_root[@]}" mkdir -p $etc
        echo 'create_main_cluster = false' |
            "${as_root[@]}" tee $etc/createcluster.conf >/dev/null
        "${as_root[@]}" chmod 644 $etc/createcluster.conf
    fi
fi

log=$(mktemp)
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
        apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1 ||
        { tail -n 40 "$log" >&2; rm -f "$log"; return 1; }
}

echo "setup: installing ${missing[*]}"
# The lists that are there may do; fetch new ones when they do not.
apt --simulate install --no-upgrade --no-install-recommends \
    "${missing[@]}" 2>/dev/null || apt update
apt install --no-upgrade --no-install-recommends "${missing[@]}"
rm -f "$log"
