#!/usr/bin/env bash
# Compile omni's C against the headers of other server versions: syntax and
# types only, with -Wall -Wextra -Werror.
#
#   make compat                                15 16 17 18
#   make compat VERSIONS="17 18"
#
# OMNI_CFLAGS are the Makefile's own warnings.
# 15 is checked against the headers that are installed.  For the others the
# package postgresql-server-dev-VERSION is looked up in later suites of
# Debian's archive, fetched and unpacked (never installed) in a temporary
# folder, by an apt that has its own lists and leaves the machine's alone.  A
# version that no suite has is skipped, and named.
set -euo pipefail

cd "$(dirname "$0")/.."
read -r -a versions <<<"${VERSIONS:-15 16 17 18}"
: "${OMNI_CFLAGS:?call me by make compat}"

work=$(mktemp -d "${TMPDIR:-/tmp}/omni-compat.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

pg_config=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
own=$("$pg_config" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p')

# An apt of our own: the archive that the machine uses, later suites.
prepare_apt() {
    local archive
    archive=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' \
        'Created-By: Packages' | sed -n 's/ main$//p' | grep -v security |
        grep /debian/ | head -n 1)
    [ -n "$archive" ] || return 1
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" \
        "$work/apt/parts"
    touch "$work/apt/status"
    for suite in trixie forky sid; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
            "$archive $suite main"
    done >"$work/apt/sources.list"
    cat >"$work/apt/apt.conf" <<CONF
Dir::Etc::SourceList "$work/apt/sources.list";
Dir::Etc::SourceParts "$work/apt/parts";
Dir::State::Lists "$work/apt/lists";
Dir::State::Status "$work/apt/status";
Dir::Cache "$work/apt/cache";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
CONF
    apt_own update >"$work/update.log" 2>&1 || true
    ls "$work"/apt/lists/*Packages* >/dev/null 2>&1
}

apt_own() {
    APT_CONFIG=$work/apt/apt.conf apt-get -q "$@"
}

# Unpack the headers of a version; print the folder of the server's headers.
headers() {
    local version=$1
    if [ "$version" = "$own" ]; then
        "$pg_config" --includedir-server
        return
    fi
    if [ ! -d "$work/apt" ]; then prepare_apt || return 1; fi
    mkdir -p "$work/$version"
    (cd "$work/$version" && apt_own download "postgresql-server-dev-$version" \
        >download.log 2>&1 && dpkg-deb -x ./*.deb tree) || return 1
    echo "$work/$version/tree/usr/include/postgresql/$version/server"
}

# Headers of a later suite leave to its C library what this machine's may not
# declare yet.
cat >"$work/libc.h" <<'HEADER'
#include <stddef.h>
extern size_t strlcpy(char *dst, const char *src, size_t siz);
extern size_t strlcat(char *dst, const char *src, size_t siz);
HEADER

mapfile -t files < <(find src -name '*.c' | sort)
failed=0
passed=0
skipped=0
for version in "${versions[@]}"; do
    if ! include=$(headers "$version"); then
        echo "PostgreSQL $version: no headers in this machine's archive"
        skipped=$((skipped + 1))
        continue
    fi
    exact=$(sed -n 's/^#define PG_VERSION "\(.*\)"/\1/p' "$include/pg_config.h")
    errors=0
    for file in "${files[@]}"; do
        # shellcheck disable=SC2086
        gcc -std=gnu99 -fsyntax-only -Wall $OMNI_CFLAGS -Werror \
            -Wmissing-prototypes -Wdeclaration-after-statement -fwrapv \
            -D_GNU_SOURCE '-DPGDLLEXPORT=__attribute__((visibility("default")))' \
            -include "$work/libc.h" -I src -isystem "$include" "$file" || errors=$((errors + 1))
    done
    echo "PostgreSQL $exact: ${#files[@]} files, $errors with errors"
    if [ $errors = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
