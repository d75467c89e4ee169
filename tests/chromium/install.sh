#!/usr/bin/env bash
# Installs Chromium where there is no browser that the tests of the admin pages can drive. Prints nothing when there is
# nothing to do. CHROMIUM may name one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/common.sh
. "$here/../../deploy/common.sh"

if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] || fail "CHROMIUM: there is no program at '$CHROMIUM'."
    exit 0
fi
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
command -v apt-get >/dev/null || fail "There is no Chromium in PATH, and no apt-get to fetch one: install Chromium or Chrome, or set CHROMIUM."
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || fail "Chromium is missing, and installing it needs root: apt-get install chromium."
    as_root=sudo
fi
say "Installing chromium by apt-get"
$as_root apt-get update >&2
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends chromium fonts-liberation >&2
command -v chromium >/dev/null || fail "apt-get installed chromium, and it is not in PATH."
