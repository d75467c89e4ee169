#!/usr/bin/env bash
# Puts redis-server into tests/redis-server/bin where PATH has none: unpacked from the distribution's packages, so that
# nothing is installed and no service is started. Prints nothing when there is nothing to do.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/common.sh
. "$here/../../deploy/common.sh"

if command -v redis-server >/dev/null || [ -x "$here/bin/redis-server" ]; then exit 0; fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null \
    || fail "There is no redis-server in PATH, and no apt-get to fetch one: install Redis 6 or newer."

temporary=$(mktemp -d "${TMPDIR:-/tmp}/jobplatform-redis.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
say "Fetching redis-server by apt-get download"
cd "$temporary"
# redis-server is a link to a program of redis-tools; the others are the libraries that small images lack.
apt-get download redis-server redis-tools libjemalloc2 liblzf1 libatomic1 liblua5.1-0 lua-cjson lua-bitop >&2
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
mkdir -p "$here/bin.new"
cp unpacked/usr/bin/redis-check-rdb "$here/bin.new/redis-server"
find unpacked/usr/lib -name '*.so*' -exec cp -P {} "$here/bin.new/" \;
mv "$here/bin.new" "$here/bin"
