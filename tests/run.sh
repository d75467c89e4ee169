#!/usr/bin/env bash
# Builds the solution once and runs every test project on a throwaway PostgreSQL cluster.
#
#   tests/run.sh [arguments of dotnet test, such as --filter Name~due_time]
#
# The last line is "N passed, N failed, N skipped" over all projects. The exit code is not 0 when a test failed, when
# none ran, or, with CI=true, when one was skipped.
set -euo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/common.sh
. "$repo/deploy/common.sh"
postgres="$repo/deploy/postgres.sh"
cd "$repo"

temporary=$(mktemp -d "${TMPDIR:-/tmp}/jobplatform-tests.XXXXXX")
# As root: the user that runs PostgreSQL must pass through.
if [ "$(id -u)" = 0 ]; then chmod 711 "$temporary"; fi

clean_up() {
    trap '' INT TERM HUP
    stop_children 10
    if [ -d "$temporary/postgres" ]; then
        bash "$postgres" stop "$temporary/postgres" --immediate
        # Where PostgreSQL could not reach the temporary folder, the cluster lives elsewhere.
        if [ -L "$temporary/postgres/cluster" ]; then rm -rf "$(readlink "$temporary/postgres/cluster")"; fi
    fi
    rm -rf "$temporary"
}
trap 'exit 130' INT TERM HUP
trap clean_up EXIT

# Prints "passed failed skipped" of a result file. VSTest counts a skipped test only in the total.
counts_of() {
    sed -n 's/.*<Counters \([^>]*\)>.*/\1/p' "$1" | tr -d '"/' | tr ' ' '\n' | awk -F = '
        { count[$1] = $2 }
        END {
            failed = count["failed"] + count["error"] + count["timeout"] + count["aborted"]
            print count["passed"] + 0, failed, count["total"] - count["passed"] - failed
        }'
}

# Prints "  NAME: first lines of the message" for each failed test of a result file: the console's own account scrolls away.
failures_of() {
    awk '
        /<UnitTestResult / { failed = /outcome="Failed"/; name = $0; sub(/.*testName="/, "", name); sub(/" .*/, "", name); lines = 0 }
        failed && /<Message>/ { inside = 1; sub(/.*<Message>/, ""); $0 = name ":" $0 }
        failed && inside && lines++ < 6 { line = $0; sub(/<\/Message>.*/, "", line); if (line != "") print "  " line }
        /<\/Message>/ { inside = 0 }' "$1" | sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&#xD;//g; s/&amp;/\&/g'
}

say "Starting a throwaway PostgreSQL cluster"
run_child bash "$postgres" start "$temporary/postgres" --throwaway >/dev/null
JOBPLATFORM_TEST_POSTGRES=$(bash "$postgres" start "$temporary/postgres" | tail -n 1)
export JOBPLATFORM_TEST_POSTGRES

for server in smtp-server s3-server; do
    [ ! -d "tests/$server/node_modules" ] || continue
    say "Installing the $server that tests use"
    (cd "tests/$server" && run_child npm ci --no-audit --no-fund >&2) \
        || fail "npm ci in tests/$server failed; what it said is above. Node.js 20 or newer is needed."
done
# Where it cannot be had, its tests are skipped; in CI that is a failure.
run_child bash tests/redis-server/install.sh || say "Tests of Redis will be skipped."
run_child bash tests/slapd/install.sh || say "Tests of LDAP will be skipped."

run_child bash tests/chromium/install.sh || say "Tests of the admin pages will be skipped."

say "Building"
choose_engine "$repo"
run_child dotnet build JobPlatform.sln -c Release -v quiet -nologo --disable-build-servers >&2 \
    || fail "The build failed; its errors are above."

# One project after another: each has both processors, and its own result file.
passed=0 failed=0 skipped=0 projects=0 broken= failures=
for project in tests/*.Tests; do
    name=${project#tests/}
    results="$temporary/$name.trx"
    code=0
    run_child dotnet test "$project" -c Release --no-build --results-directory "$temporary" \
        --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=normal" \
        --blame-hang-timeout 5m --blame-hang-dump-type none "$@" || code=$?
    projects=$((projects + 1))
    project_failed=0
    if [ -f "$results" ]; then
        read -r project_passed project_failed project_skipped < <(counts_of "$results")
        passed=$((passed + project_passed))
        failed=$((failed + project_failed))
        skipped=$((skipped + project_skipped))
        if [ "$project_failed" != 0 ]; then failures="$failures$(failures_of "$results")"$'\n'; fi
    fi
    # A project may fail without a failed test: a crash, or a fixture that cannot be made.
    if [ "$code" != 0 ] || [ "$project_failed" != 0 ]; then broken="$broken $name"; fi
done

verdict=0
summary="$projects test projects in $SECONDS s"
if [ -n "$broken" ]; then summary="$summary; failed:$broken" verdict=1; fi
if [ $((passed + failed)) = 0 ]; then summary="$summary; no test ran" verdict=1; fi
if [ "${CI:-}" = true ] && [ "$skipped" != 0 ]; then summary="$summary; in CI a skipped test is a failure" verdict=1; fi
clean_up
trap - EXIT
if [ -n "$failures" ]; then printf 'Failed tests:\n%s' "$failures"; fi
echo "$summary"
echo "$passed passed, $failed failed, $skipped skipped"
exit "$verdict"
