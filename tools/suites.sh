# Sourced by what runs suites of tests: each suite is counted by the tests that it
# printed, its output is kept below $logs. The caller prints $passed and $failed.
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
    [ "$bad" = 0 ] || { grep -E '^ *not ok|FAILED|^#|[Ee]rror|^[-+]' "$log" | head -n 150; }
}

# Run one suite with its output in a log.
suite() {
    local name=$1 log=$logs/${1// /-}.log status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    count "$name" "$status" "$log"
}
