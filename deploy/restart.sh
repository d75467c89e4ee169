#!/usr/bin/env bash
# Restarts the servers of this machine one after the other, each when the one before is ready: workers, then the web server.
# For an upgrade (install.sh calls it) and for changed settings. Run as root; it lies beside the program.
#
#   /opt/jobplatform/restart.sh [UNIT …]      what runs or has failed, and the units that are named
#
# READY_SECONDS (60) is how long each may take. At the first that takes longer it stops: the others run as before.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

address_of() {
    case "$1" in
        # As the unit has it.
        jobplatform-worker@*) echo "http://127.0.0.1:510${1#*@}" ;;
        *)
            local urls
            urls=$(sed -n 's/^URLS=//p' "${home%/opt/jobplatform}/etc/jobplatform/secrets.env" | tail -n 1 | tr -d "\"'")
            echo "${urls:-http://127.0.0.1:5080}"
            ;;
    esac
}

loaded=$(systemctl list-units --plain --no-legend 'jobplatform-worker@*' jobplatform-web.service)
units=$(printf '%s\n' "$@" "$loaded" | grep -oE 'jobplatform-(worker@[0-9]+|web)' | sort -urV) ||
    fail "No server of the platform runs here: name one, such as jobplatform-web."
for unit in $units; do
    address=$(address_of "$unit")
    systemctl restart "$unit" || fail "$unit does not start: 'journalctl -u $unit' says why. What comes after it was not restarted."
    until=$((SECONDS + ${READY_SECONDS:-60}))
    until answer=$("$home/jobplatform" health --url "$address" 2>&1); do
        [ "$SECONDS" -lt "$until" ] ||
            fail "$unit is not ready within ${READY_SECONDS:-60} s ($answer): 'journalctl -u $unit' says why. What comes after it was not restarted."
        sleep 1
    done
    printf '%s\n' "$unit is ready." >&2
done
