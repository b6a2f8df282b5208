# Sourced by what runs suites of tests: each suite is counted by the tests that it
# printed, its output is kept below $logs, which is empty at first. The caller ends with totals.
passed=0 failed=0

# Count what a suite printed: TAP, and pg_regress before PostgreSQL 16.
count() {
    local name=$1 status=$2 log=$3 good bad
    good=$(grep -cE '^ *ok [0-9]+|^(test|    ) .*\.\.\. ok( |$)' "$log")
    bad=$(grep -cE '^ *not ok [0-9]+|^(test|    ) .*\.\.\. FAILED' "$log")
    # A suite that failed without a failing test (or ran none) is itself a failure.
    if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$good" = 0 ]; }; then bad=1; fi
    passed=$((passed + good)) failed=$((failed + bad))
    printf '%-34s %4d passed %4d failed\n' "$name" "$good" "$bad"
    [ "$bad" = 0 ] || { details "$log" | head -n 150; blamed "$log" | sed "s/^/$name: /" >>"$logs/failures"; }
}

# What failed, with what is said right behind it; what programs note elsewhere would bury it.
details() {
    awk '/^ *not ok|FAILED/ { print; left = 20; next }
         /^#/ { if (left-- > 0) print; next }
         { left = 0 }
         /^ *ok / { next }
         /^Test Summary Report/ { summary = 20 }
         summary-- > 0 || /timed out|[Ee]rror|^[-+]/' "$1"
}

# The failed tests alone, and test files that ended before their last test with the reason.
blamed() {
    grep -E '^ *not ok|\.\.\. FAILED|timed out|Wstat: [1-9]| error: |^[^#].* at .*\.(t|pm) line [0-9]+' "$1" | head -n 12
}

# The last lines: what failed again, since whoever reads a long log begins at its end, and the figures.
totals() {
    [ ! -s "$logs/failures" ] || cat "$logs/failures"
    echo "$passed passed, $failed failed"
}

# Run one suite with its output in a log.
suite() {
    local name=$1 log=$logs/${1// /-}.log status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    count "$name" "$status" "$log"
}
