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

child=
child_group=

# Runs "$@" and waits for it, so that a trap of this shell fires at once (bash holds traps back while a foreground
# command runs). The child leads a process group of its own: stop_child reaches what it has started, too.
run_child() {
    local code=0
    set -m
    "$@" </dev/null &
    set +m
    child=$!
    child_group=-$child
    wait "$child" || code=$?
    child=
    return "$code"
}

# The same in this shell's process group, with its terminal: a command that asks must not be in the background.
run_child_at_terminal() {
    local code=0
    "$@" <&0 &
    child=$!
    child_group=$child
    wait "$child" || code=$?
    child=
    return "$code"
}

# Ends the child of run_child: SIGTERM, and SIGKILL after $1 seconds.
stop_child() {
    [ -n "$child" ] || return 0
    local tenths=$(($1 * 10))
    kill -TERM -- "$child_group" 2>/dev/null || true
    while kill -0 -- "$child_group" 2>/dev/null; do
        if [ "$tenths" -le 0 ]; then
            say "Process $child did not end within $1 s; it is killed."
            kill -KILL -- "$child_group" 2>/dev/null || true
            break
        fi
        tenths=$((tenths - 1))
        sleep 0.1
    done
    child=
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

# Whether something listens at host $1, port $2.
port_answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
