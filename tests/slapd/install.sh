#!/usr/bin/env bash
# Puts slapd and ldapmodify into tests/slapd/bin where the machine has none: unpacked from the distribution's packages,
# so that nothing is installed and no service is started. Prints nothing when there is nothing to do.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/common.sh
. "$here/../../deploy/common.sh"

if [ -x "$here/bin/slapd" ]; then exit 0; fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "There is no apt-get to fetch slapd with."

temporary=$(mktemp -d "${TMPDIR:-/tmp}/jobplatform-slapd.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
say "Fetching slapd by apt-get download"
cd "$temporary"
# The others are the libraries that small images lack.
apt-get download slapd ldap-utils libldap-2.5-0 libltdl7 libodbc2 libwrap0 libsasl2-2 libnsl2 libtirpc3 >&2
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
mkdir -p "$here/bin.new"
cp unpacked/usr/sbin/slapd unpacked/usr/bin/ldapmodify "$here/bin.new/"
find unpacked/usr/lib -name '*.so*' -not -path '*/ldap/*' -exec cp -P {} "$here/bin.new/" \;
cp -P unpacked/usr/lib/ldap/back_mdb* "$here/bin.new/"
cp -r unpacked/etc/ldap/schema "$here/bin.new/schema"
mv "$here/bin.new" "$here/bin"
