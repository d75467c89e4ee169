#!/usr/bin/env bash
# Installs the platform on a plain server with systemd, or brings an installation to this version. Run as root; again is safe.
#
#   deploy/install.sh [--binary DIR] [--workers N] [--root DIR]
#
#   --binary DIR   a folder made by 'dotnet publish' (see docs/operations.md); default: it is published here, which needs the SDK
#   --workers N    worker processes; default 1
#   --root DIR     install below this folder and start nothing: for images and tests
#
# It makes the user jobplatform, /opt/jobplatform, /etc/jobplatform/jobplatform.env (kept when it is there) and the units
# jobplatform-web and jobplatform-worker@1 … N. Set ConnectionStrings__Platform in the env file, then run it again.
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
case "$workers" in '' | *[!0-9]* | 0) fail "--workers ${workers:-(empty)} is no number of processes: try --workers 2." ;; esac
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
install -d -m 750 "$settings"
# Beside the old one and then over it: a process that runs keeps the file that it was started from.
for file in "$binary"/*; do
    if [ ! -f "$file" ]; then continue; fi
    install -m "$([ -x "$file" ] && echo 755 || echo 644)" "$file" "$home/.$(basename "$file").new"
    mv -f "$home/.$(basename "$file").new" "$home/$(basename "$file")"
done
if [ ! -f "$settings/jobplatform.env" ]; then
    (umask 077 && cat >"$settings/jobplatform.env") <<EOF
# Settings of the platform; docs/operations.md lists them. Both units read this file.
#ConnectionStrings__Platform=Host=localhost;Database=jobplatform;Username=jobplatform_run;Password=…
# For 'migrate' only; without it the one above.
#ConnectionStrings__Owner=Host=localhost;Database=jobplatform;Username=jobplatform_owner;Password=…
JOBS_SECRET_KEY=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
#PUBLIC_URL=https://jobs.example.com
#SMTP_URL=smtp://user:password@smtp.example.com:587
#MAIL_FROM=Jobs <jobs@example.com>
#ADMIN_EMAILS=ops@example.com
LOG_FORMAT=json
LOGS_ENABLED=true
EOF
fi
for unit in "$repo"/deploy/systemd/*.service; do install -m 644 "$unit" "$units/"; done
if [ -n "$root" ]; then
    say "Installed below $root."
    exit 0
fi

chown root:jobplatform "$settings"
chown root:jobplatform "$settings/jobplatform.env"
chmod 640 "$settings/jobplatform.env"
systemctl daemon-reload
if ! grep -q '^ConnectionStrings__Platform=' "$settings/jobplatform.env"; then
    say "Installed. Now set ConnectionStrings__Platform in /etc/jobplatform/jobplatform.env and run this again."
    exit 0
fi
systemctl start jobplatform-migrate.service || fail "The migration failed: 'journalctl -u jobplatform-migrate' says why. What runs is still the version before."
# One after the other, so that jobs and pages go on.
for number in $(seq 1 "$workers"); do
    systemctl enable --quiet "jobplatform-worker@$number"
    systemctl restart "jobplatform-worker@$number"
done
systemctl enable --quiet jobplatform-web
systemctl restart jobplatform-web
say "The platform runs: 'systemctl status jobplatform-web jobplatform-worker@1' shows it."
