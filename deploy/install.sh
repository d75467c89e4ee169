#!/usr/bin/env bash
# Installs the platform on a plain server with systemd, or brings an installation to this version. Run as root; again is safe.
#
#   deploy/install.sh [--binary DIR] [--workers N] [--root DIR]
#
#   --binary DIR   a folder made by 'dotnet publish' (see docs/operations.md); default: it is published here, which needs the SDK
#   --workers N    worker processes, 1 to 9; default 1. Others that run already are kept, and restarted, too
#   --root DIR     install below this folder and start nothing: for images and tests
#
# It makes the user jobplatform, /opt/jobplatform, in /etc/jobplatform secrets.env and owner.env (kept when they are there), and
# the units jobplatform-migrate, jobplatform-web and jobplatform-worker@1 … N. The first time it starts nothing and says what is
# to be done before; docs/operations.md has it step by step.
set -euo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/common.sh
. "$repo/deploy/common.sh"

binary='' workers=1 root=''
while [ $# -gt 0 ]; do
    case "$1" in
        --binary) binary=${2:-}; shift; shift || true ;;
        --workers) workers=${2:-}; shift; shift || true ;;
        --root) root=${2:-}; shift; shift || true ;;
        *) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
done
# Each has a port of its own, whose last digit is its number.
case "$workers" in [1-9]) ;; *) fail "--workers ${workers:-(empty)} is no number of processes from 1 to 9: try --workers 2. Each runs WORKER_CONCURRENCY handlers at once." ;; esac
if [ -z "$root" ] && [ "$(id -u)" != 0 ]; then fail "Installing needs root: run it with sudo, or below a folder of yours with --root."; fi

if [ -z "$binary" ]; then
    command -v dotnet >/dev/null || fail "dotnet is not here, so that nothing can be published: publish on another machine and give the folder with --binary."
    binary=$repo/.publish
    say "Publishing to $binary"
    dotnet publish "$repo/src/JobPlatform.Server" -p:PublishProfile=single-file -o "$binary" >&2
fi
[ -x "$binary/jobplatform" ] || fail "--binary $binary: there is no program jobplatform in it. Publish with -p:PublishProfile=single-file."

home=$root/opt/jobplatform settings=$root/etc/jobplatform units=$root/etc/systemd/system
if [ -z "$root" ] && ! id jobplatform >/dev/null 2>&1; then
    useradd --system --home-dir /opt/jobplatform --no-create-home --shell /usr/sbin/nologin jobplatform
fi
install -d -m 755 "$home" "$units"
# For root alone: systemd reads the files before it gives up its rights for a unit.
install -d -m 700 "$settings"
# Beside the old one and then over it: a process that runs keeps the file that it was started from.
for file in "$binary"/* "$repo/deploy/restart.sh"; do
    if [ ! -f "$file" ]; then continue; fi
    install -m "$([ -x "$file" ] && echo 755 || echo 644)" "$file" "$home/.$(basename "$file").new"
    mv -f "$home/.$(basename "$file").new" "$home/$(basename "$file")"
done
if [ ! -f "$settings/secrets.env" ]; then
    (umask 077 && cat >"$settings/secrets.env") <<END
# Settings of the platform; README.md lists them. All units read this file.
#ConnectionStrings__Platform=Host=localhost;Database=jobplatform;Username=jobplatform_run;Password=…
JOBS_SECRET_KEY=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
#PUBLIC_URL=https://jobs.example.com
#SMTP_URL=smtp://user:password@smtp.example.com:587
#MAIL_FROM=Jobs <jobs@example.com>
#ADMIN_EMAILS=ops@example.com
LOG_FORMAT=json
LOGS_ENABLED=true
END
fi
if [ ! -f "$settings/owner.env" ]; then
    (umask 077 && cat >"$settings/owner.env") <<END
# For the migration alone: the owner of the schema. The servers never see it.
#ConnectionStrings__Owner=Host=localhost;Database=jobplatform;Username=jobplatform_owner;Password=…
END
fi
for unit in "$repo"/deploy/systemd/*.service; do install -m 644 "$unit" "$units/"; done
if [ -n "$root" ]; then
    say "Installed below $root."
    exit 0
fi

systemctl daemon-reload
if ! grep -q '^ConnectionStrings__Platform=' "$settings/secrets.env"; then
    say "Installed, and nothing started. Set ConnectionStrings__Platform in /etc/jobplatform/secrets.env, ConnectionStrings__Owner in owner.env beside it," \
        "run 'systemctl start jobplatform-migrate', make the servers' login, then run this again; docs/operations.md has it step by step."
    exit 0
fi
systemctl start jobplatform-migrate.service || fail "The migration failed: 'journalctl -u jobplatform-migrate' says why. What runs is still the version before."
servers=(jobplatform-web)
for number in $(seq 1 "$workers"); do servers+=("jobplatform-worker@$number"); done
systemctl enable --quiet "${servers[@]}"
"$home/restart.sh" "${servers[@]}"
say "The platform runs: 'systemctl status jobplatform-web jobplatform-worker@*' shows it."
