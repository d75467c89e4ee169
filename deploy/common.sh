# shellcheck shell=bash
# Sourced by the scripts of this repository: messages, child processes, locks, ports. Works with bash 3.2.

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Prints the command line of process $1; fails when there is no such process.
# /proc first: small container images have no ps.
process_command() {
    if [ -d /proc/self ]; then
        [ -r "/proc/$1/cmdline" ] && tr '\0' ' ' <"/proc/$1/cmdline"
    else
        ps -o command= -p "$1"
    fi
}

# Runs "$@" and waits for it, so that a trap of this shell fires at once (bash holds traps back while a foreground
# command runs). It leads a process group of its own, by which all that it starts can be ended.
run_child() {
    start_child "$@"
    wait_child
}

start_child() {
    set -m
    "$@" </dev/null &
    set +m
}

# Returns the exit code of the last child, after ending what it has left behind.
wait_child() {
    local pid=$! code=0
    wait "$pid" || code=$?
    kill -TERM -- "-$pid" 2>/dev/null || true
    return "$code"
}

# Like run_child, but in this shell's process group, with its terminal: a command in the background could not ask.
run_child_at_terminal() {
    "$@" <&0 &
    wait_child
}

# Ends all children and what they have started: SIGTERM, and SIGKILL after $1 seconds.
stop_children() {
    local pid target tenths=$(($1 * 10))
    for pid in $(jobs -pr); do
        target=-$pid
        kill -TERM -- "$target" 2>/dev/null || target=$pid
        kill -TERM -- "$target" 2>/dev/null || continue
        while kill -0 -- "$target" 2>/dev/null; do
            if [ "$tenths" -le 0 ]; then
                say "Process $pid did not end within $1 s; it is killed."
                kill -KILL -- "$target" 2>/dev/null || true
                break
            fi
            tenths=$((tenths - 1))
            sleep 0.1
        done
    done
}

# Makes file $1 hold this process's id. Fails when a live process whose command line contains $2 holds it; the id alone
# says nothing, because after a reboot, or in a new container, another program may have it.
take_lock() {
    local holder tries=0
    until (set -C; echo $$ >"$1") 2>/dev/null; do
        holder=$(cat "$1" 2>/dev/null || true)
        if [ -n "$holder" ] && [ "$holder" != $$ ]; then
            case "$(process_command "$holder" || true)" in *"$2"*) return 1 ;; esac
        fi
        tries=$((tries + 1))
        [ "$tries" -le 3 ] || fail "Cannot write $1: check who owns its folder."
        rm -f "$1" || true
    done
}

# Exports HangfireEngine, which every build that follows reads: true where the engine's packages restore (one try), false
# elsewhere. What is set already is left alone. $1 is the repository.
choose_engine() {
    if [ -z "${HangfireEngine:-}" ]; then
        HangfireEngine=true
        if ! run_child env HangfireEngine=true dotnet restore "$1/src/JobPlatform.Engine.Hangfire" -v quiet \
            --disable-build-servers >/dev/null 2>&1; then
            say "Hangfire's packages do not restore here: building with the embedded engine alone."
            HangfireEngine=false
        fi
    fi
    export HangfireEngine
}

# Whether something listens at host $1, port $2.
port_answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
