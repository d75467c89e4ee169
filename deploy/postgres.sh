#!/usr/bin/env bash
# Finds or installs PostgreSQL (15 or newer) and runs private clusters.
#
#   postgres.sh bin                          prints the folder of initdb, pg_ctl and postgres
#   postgres.sh start DIR [--throwaway]      makes the cluster in DIR if needed, starts it, prints its connection string
#   postgres.sh stop DIR [--immediate]
#   postgres.sh restart DIR [--immediate]    same port
#   postgres.sh status DIR                   exit code 0 when it runs, 3 when not
#
# A cluster listens on 127.0.0.1 only, has no Unix socket (no path to keep short, nothing to protect) and asks everybody
# for the password in DIR/password. It needs no client program: some distributions of the server come without psql.
# --throwaway is for tests: a crash of the machine may destroy the data. It counts when the cluster is made.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/common.sh
. "$here/common.sh"
# shellcheck source=deploy/postgres-binaries.sh
. "$here/postgres-binaries.sh"

usage() { sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

# Whether a folder of the server's user can live in $1. Tried for real: modes of parents, mount options and containers
# have more ways to say no than a script can list.
is_reachable() {
    local probe="$1/.probe.$$" reachable=false
    if mkdir -m 700 "$probe" && chown "$(server_user)" "$probe" 2>/dev/null \
        && as_server touch "$probe/file" 2>/dev/null; then reachable=true; fi
    rm -rf "$probe"
    $reachable
}

# Sets $cluster, the folder that belongs to the server's user: DIR/cluster, or a link to a place that it can reach.
locate_cluster() {
    local owner
    cluster="$dir/cluster"
    if [ -L "$cluster" ]; then cluster=$(readlink "$cluster"); fi
    data="$cluster/data"
    [ -d "$cluster" ] || return 0
    owner=$(owner_of "$cluster")
    if [ "$(id -u)" != 0 ] && [ "${owner%%:*}" != "$(id -u)" ]; then
        fail "The cluster in $dir belongs to user ${owner%%:*}: run this as that user or as root."
    fi
    if [ "${owner%%:*}" != 0 ]; then server_identity=$owner; fi
}

make_cluster_folder() {
    if [ ! -d "$cluster" ] && ! is_reachable "$dir"; then
        [ "$(id -u)" = 0 ] || fail "Cannot create files in $dir: check its owner and its free space."
        cluster="/var/lib/jobplatform/$(printf '%s' "$dir" | cksum | tr ' ' '-')"
        data="$cluster/data"
        say "User $(id -nu "$(server_uid)") cannot reach $dir; the cluster lives in $cluster instead."
        (umask 022; mkdir -p "${cluster%/*}")
        ln -sfn "$cluster" "$dir/cluster"
    fi
    mkdir -p "$cluster"
    chown "$(server_user)" "$cluster"
    chmod 700 "$cluster"
}

# The process that serves this cluster, whatever is still written in a left-over postmaster.pid.
running_pid() {
    local pid
    pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) || return 1
    case "$(process_command "$pid" || true)" in *postgres*"$data"*) echo "$pid" ;; *) return 1 ;; esac
}

settings() {
    echo "listen_addresses = '127.0.0.1'"
    echo "unix_socket_directories = ''"
    echo "timezone = 'UTC'"
    echo "log_timezone = 'UTC'"
    echo "log_checkpoints = off"
    echo "log_line_prefix = '%m [%p] %u@%d '"
    if $throwaway; then
        echo "max_connections = 300"
        echo "fsync = off"
        echo "full_page_writes = off"
    else
        echo "max_connections = 100"
        echo "shared_buffers = 256MB"
    fi
}

init_cluster() {
    say "Making a PostgreSQL $(major_of "$bin") cluster in $dir"
    if [ ! -s "$dir/password" ]; then
        (umask 077; od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$dir/password")
    fi
    # Made aside and renamed: an interrupted initdb never looks like a cluster. The password goes by a file because
    # an argument shows in the process list.
    as_server rm -rf "$data.new"
    (umask 077; cat "$dir/password" >"$cluster/password.new")
    chown "$(server_user)" "$cluster/password.new"
    as_server "$bin/initdb" -D "$data.new" -U postgres --encoding=UTF8 --no-locale --auth=scram-sha-256 \
        --pwfile="$cluster/password.new" >"$dir/initdb.log" 2>&1 \
        || { cat "$dir/initdb.log" >&2; fail "initdb failed; its output is above."; }
    rm -f "$cluster/password.new" "$dir/initdb.log"
    settings | as_server tee -a "$data.new/postgresql.conf" >/dev/null
    as_server mv "$data.new" "$data"
}

# Single-user mode instead of psql or createdb, which need not be there.
ensure_database() {
    as_server "$bin/postgres" --single -D "$data" jobplatform </dev/null >/dev/null 2>&1 \
        || echo 'CREATE DATABASE jobplatform' | as_server "$bin/postgres" --single -D "$data" postgres >/dev/null
}

# A crash leaves postmaster.pid behind. The server takes it away itself, unless another process has that id now.
# Deleting it would also delete the shared memory key by which the server notices left-over backends, so only the id is
# replaced, by one that no system gives out.
disarm_stale_pid() {
    [ -f "$data/postmaster.pid" ] || return 0
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_server sh -c 'cd "$1" && { echo 99999999; tail -n +2 postmaster.pid; } >pid.new && mv pid.new postmaster.pid' \
        sh "$data"
}

# From 20000 to 29999: below the ports that systems give to outgoing connections.
free_port() {
    local port
    port=$(cat "$dir/port" 2>/dev/null || true)
    while [ -z "$port" ] || port_answers 127.0.0.1 "$port"; do port=$((20000 + RANDOM % 10000)); done
    echo "$port"
}

start_server() {
    local attempt port
    if [ -s "$cluster/log" ]; then as_server mv "$cluster/log" "$cluster/log.previous"; fi
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        disarm_stale_pid
        port=$(free_port)
        echo "$port" >"$dir/port"
        if ensure_database 2>"$dir/start.log" && as_server "$bin/pg_ctl" start -D "$data" -l "$cluster/log" -w -t 60 \
            -o "-p $port" >>"$dir/start.log" 2>&1; then
            rm -f "$dir/start.log"
            say "PostgreSQL runs on 127.0.0.1, port $port; its log is $cluster/log"
            return
        fi
        case "$(cat "$dir/start.log"; as_server tail -n 20 "$cluster/log" 2>/dev/null)" in
            *"Address already in use"*) rm -f "$dir/port" ;;
            # Backends of a killed server are still ending.
            *"pre-existing shared memory block"*) sleep 1 ;;
            *) break ;;
        esac
    done
    cat "$dir/start.log" >&2
    as_server tail -n 20 "$cluster/log" >&2 || true
    fail "PostgreSQL did not start in $attempt attempts; what it said is above."
}

# A start that was killed may have left a server that is not ready yet; its state is the eighth line of its file.
wait_ready() {
    local tenths=600
    until sed -n 8p "$data/postmaster.pid" 2>/dev/null | grep -q '^ready'; do
        tenths=$((tenths - 1))
        [ "$tenths" -gt 0 ] || fail "PostgreSQL in $dir is not ready after 60 s; see $cluster/log"
        sleep 0.1
    done
}

start() {
    (umask 022; mkdir -p "$dir")
    take_lock "$dir/lock" postgres.sh \
        || fail "Another postgres.sh works on $dir (process $(cat "$dir/lock")): wait for it."
    trap 'rm -f "$dir/lock"' EXIT
    if ! running_pid >/dev/null; then
        if [ -f "$data/PG_VERSION" ]; then find_binaries "$(cat "$data/PG_VERSION")"; else find_binaries; fi
        # From here to a running server it is seconds, and half of it would leave a process behind.
        trap '' INT TERM HUP
        [ -d "$data" ] || { make_cluster_folder; init_cluster; }
        start_server
    fi
    wait_ready
    [ -s "$dir/password" ] || fail "$dir/password is missing: put it back, or stop the cluster and delete $dir."
    echo "Host=127.0.0.1;Port=$(cat "$dir/port");Username=postgres;Password=$(cat "$dir/password");Database=jobplatform"
}

stop() {
    local pid tenths=600
    pid=$(running_pid) || { say "No PostgreSQL runs in $dir"; return; }
    trap '' INT TERM HUP
    # The signals that pg_ctl would send; sent from here no binaries of the right version have to be found first.
    if $immediate; then kill -QUIT "$pid"; else kill -INT "$pid"; fi
    while running_pid >/dev/null; do
        tenths=$((tenths - 1))
        [ "$tenths" -gt 0 ] || fail "PostgreSQL in $dir (process $pid) did not stop within 60 s; --immediate ends it."
        sleep 0.1
    done
    say "PostgreSQL in $dir has stopped"
}

verb=${1:-}
if [ "$verb" = bin ] && [ $# = 1 ]; then find_binaries; echo "$bin"; exit; fi
[ $# -ge 2 ] || usage
dir=$2
throwaway=false
immediate=false
case "$verb ${3:-}" in
    "start --throwaway") throwaway=true ;;
    "stop --immediate" | "restart --immediate") immediate=true ;;
    "start " | "stop " | "restart " | "status ") ;;
    *) usage ;;
esac
case "$dir" in /*) ;; *) dir="$PWD/$dir" ;; esac
locate_cluster
case "$verb" in
    start) start ;;
    stop) stop ;;
    restart) stop; start ;;
    status) running_pid >/dev/null || exit 3 ;;
esac
