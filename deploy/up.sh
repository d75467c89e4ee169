#!/usr/bin/env bash
# One command from a checkout to a running platform; Ctrl-C stops everything that it started.
#
#   deploy/up.sh [--urls URL] [--scale N]
#
#   --urls URL   where to listen; default: ASPNETCORE_URLS, else http://127.0.0.1:5080
#   --scale N    size of the sample data; 1 (default) is 10,000 users
#
# With ConnectionStrings__Platform set (in the environment or in secrets.env) it uses that database and loads no sample.
# Otherwise it runs a private PostgreSQL cluster. Without SMTP_URL mail is not sent but kept as files. Everything lives
# in JOBPLATFORM_DATA, default: .data in the checkout.
set -euo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/common.sh
. "$repo/deploy/common.sh"
postgres="$repo/deploy/postgres.sh"
server="$repo/src/JobPlatform.Server/bin/Release/net10.0/jobplatform.dll"

read_arguments() {
    urls=${ASPNETCORE_URLS:-http://127.0.0.1:5080}
    scale=1
    while [ $# -gt 0 ]; do
        case "$1" in
            --urls) urls=${2:-}; shift; shift || true ;;
            --scale) scale=${2:-}; shift; shift || true ;;
            *) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
        esac
    done
    case "$scale" in '' | *[!0-9.]*) fail "--scale ${scale:-(empty)} is no number: try --scale 0.1." ;; esac

    # Of several URLs the first is watched; at 127.0.0.1 when its host is no address, as the server then listens on all.
    local first=${urls%%;*} rest name
    case "$first" in
        http://* | https://*) rest=${first#*://}; rest=${rest%%/*} ;;
        *) fail "--urls ${first:-(empty)} is no URL: try --urls http://127.0.0.1:5081." ;;
    esac
    name=${rest%:*}
    port=${rest##*:}
    if [ "$name" = "$rest" ]; then
        case "$first" in https:*) port=443 ;; *) port=80 ;; esac
    fi
    case "$port" in
        '' | 0 | *[!0-9]*) fail "--urls $first names no port from 1 to 65535: try --urls http://127.0.0.1:5081." ;;
    esac
    case "$name" in
        0.0.0.0 | '[::]') name=127.0.0.1 ;;
        localhost | [0-9]*.*.*.* | '['*']') ;;
        *) name=127.0.0.1 ;;
    esac
    url="${first%%://*}://$name:$port"
    host=${name#\[}
    host=${host%\]}
}

check_sdk() {
    case "$(dotnet --list-sdks 2>/dev/null || true)" in
        10.* | *"
10."*) ;;
        *) fail "The .NET 10 SDK is not here: install it (https://dot.net/download) and put dotnet into PATH." ;;
    esac
}

make_data_folder() {
    data=${JOBPLATFORM_DATA:-$repo/.data}
    case "$data" in /*) ;; *) data="$PWD/$data" ;; esac
    # 0711 for root: the user that runs PostgreSQL must pass through, and can still not list it. The secrets are 0600.
    if [ ! -d "$data" ]; then
        mkdir -p "${data%/*}"
        if [ "$(id -u)" = 0 ]; then mkdir -m 711 "$data"; else mkdir -m 700 "$data"; fi
    fi
    export JOBPLATFORM_DATA=$data
    secrets="$data/secrets.env"
    cluster="$data/postgres"
}

# ---- the database ----

# A connection string that an operator wrote is never taken for the private cluster's own.
private_pattern='^Host=127\.0\.0\.1;Port=[0-9]*;Username=postgres;Password=[0-9a-f]\{48\};Database=jobplatform$'

uses_private_cluster() {
    local written
    [ -z "${ConnectionStrings__Platform:-}" ] || return 1
    written=$(sed -n 's/^ConnectionStrings__Platform=//p' "$secrets" 2>/dev/null || true)
    [ -z "$written" ] || printf '%s\n' "$written" | grep -q "$private_pattern"
}

start_cluster() {
    say "Starting the private PostgreSQL cluster in $cluster"
    # The mark outlives a killed up.sh, so that the next one stops the cluster that nobody else would.
    if ! bash "$postgres" status "$cluster"; then
        mkdir -p "$cluster"
        : >"$cluster/started-by-up"
    fi
    run_child bash "$postgres" start "$cluster" >/dev/null
    local line
    # A place to try things out: with the test handlers. The environment (DOTNET_ENVIRONMENT) wins over the file.
    line="ConnectionStrings__Platform=$(bash "$postgres" start "$cluster" | tail -n 1)"
    (
        umask 077
        { grep -v -e '^ConnectionStrings__Platform=' -e '^ENVIRONMENT=' "$secrets" 2>/dev/null || true
          echo "$line"
          echo ENVIRONMENT=Development; } >"$secrets.new"
    )
    mv "$secrets.new" "$secrets"
}

# ---- the server ----

# No build servers: they would outlive this script.
build_server() {
    say "Building the server"
    choose_engine "$repo"
    run_child dotnet build "$repo/src/JobPlatform.Server" -c Release -v quiet -nologo --disable-build-servers >&2 \
        || fail "The build failed; its errors are above."
}

# The whole of HTTP that is needed, so that curl need not be here. Over https only the connection is tried.
is_live() (
    exec 3<>"/dev/tcp/$host/$port"
    case "$url" in https:*) exit 0 ;; esac
    printf 'GET /health/live HTTP/1.0\r\nHost: %s\r\n\r\n' "$host" >&3
    read -r -t 5 _ status _ <&3
    [ "$status" = 200 ]
)

announce() {
    local command="dotnet ${server#"$repo/"}" prefix='' key="\$(sed -n 's/^JOBS_SECRET_KEY=//p' $secrets)"
    if [ "$data" != "$repo/.data" ]; then prefix="JOBPLATFORM_DATA=$data "; fi
    cat <<TEXT

The platform runs at $url (Ctrl-C stops it).
Pages: $url/admin, for admin@example.com; '$prefix$command admins reset admin@example.com' prints a new password.
Try, in $repo:
  $prefix$command jobs list
  $prefix$command runs list
  curl -H "Authorization: Bearer $key" --json '{"job": "purge-logs", "payload": {"dry_run": true}}' $url/api/jobs/run

TEXT
}

# A killed up.sh leaves its children behind: those that run "jobplatform $1".
stop_left_over() {
    local pid
    pid=$(cat "$data/$1.pid" 2>/dev/null) || return 0
    case "$(process_command "$pid" || true)" in
        *"$server $1"*)
            say "Stopping the process $pid (jobplatform $1) that an earlier, killed up.sh has left"
            kill -TERM "$pid"
            while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
            ;;
    esac
    rm -f "$data/$1.pid"
}

# Without a mail server configured, mail goes to a folder, so that the jobs which send it have something to show.
start_sink() {
    local sink_port=2525
    if [ -n "${SMTP_URL:-}" ] || grep -q '^SMTP_URL=.' "$secrets" 2>/dev/null; then return; fi
    while port_answers 127.0.0.1 "$sink_port"; do sink_port=$((20000 + RANDOM % 10000)); done
    say "SMTP_URL is not set: mail is kept as files in $data/mail"
    start_child dotnet "$server" sink --port "$sink_port" --folder "$data/mail" >/dev/null
    echo $! >"$data/sink.pid"
    export SMTP_URL="smtp://127.0.0.1:$sink_port"
    if ! grep -q '^MAIL_FROM=.' "$secrets" 2>/dev/null; then export MAIL_FROM="${MAIL_FROM:-JobPlatform <jobs@example.com>}"; fi
}

# Without a store configured, the application's files lie in a folder.
set_blobs() {
    if [ -n "${BLOB_URL:-}" ] || grep -q '^BLOB_URL=.' "$secrets" 2>/dev/null; then return; fi
    (umask 077 && echo "BLOB_URL=file://$data/blobs" >>"$secrets")
}

serve() {
    say "Starting the server at $urls"
    local code=0 tenths=900 server_pid
    start_child dotnet "$server" serve --urls "$urls"
    server_pid=$!
    echo "$server_pid" >"$data/serve.pid"
    until is_live 2>/dev/null; do
        kill -0 "$server_pid" 2>/dev/null || break
        tenths=$((tenths - 1))
        [ "$tenths" -gt 0 ] || fail "The server did not answer $url/health/live within 90 s; its log is above."
        sleep 0.1
    done
    if kill -0 "$server_pid" 2>/dev/null; then announce; fi
    wait "$server_pid" || code=$?
    say "The server ended by itself with exit code $code; its log above says why."
    exit "$code"
}

# ---- the end ----

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
    trap '' INT TERM HUP
    if [ -n "$(jobs -pr)" ]; then say "Stopping; what runs has 30 s to end."; fi
    stop_children 30
    if [ -f "$cluster/started-by-up" ]; then
        bash "$postgres" stop "$cluster" && rm -f "$cluster/started-by-up"
    fi
    rm -f "$data/serve.pid" "$data/sink.pid" "$data/up.lock"
}

read_arguments "$@"
check_sdk
make_data_folder
take_lock "$data/up.lock" up.sh \
    || fail "Another up.sh runs on $data (process $(cat "$data/up.lock")): stop it first, or set JOBPLATFORM_DATA."
trap 'exit 0' INT TERM HUP
trap clean_up EXIT
stop_left_over serve
stop_left_over sink
if port_answers "$host" "$port"; then
    fail "Port $port is taken by another program: choose one with --urls http://127.0.0.1:$((port % 65535 + 1))."
fi

private=false
if uses_private_cluster; then
    private=true
    start_cluster
fi
build_server
set_blobs
cd "$repo"
say "Preparing the database"
if $private; then
    # A place to try things out: nobody is asked, and the password of the first admin is made and shown.
    run_child dotnet "$server" init --admin-email admin@example.com
    say "Loading the sample application, unless it is there"
    run_child dotnet "$server" sample load "$repo/deploy/sample" --scale "$scale"
else
    run_child_at_terminal dotnet "$server" init
fi
start_sink
serve
