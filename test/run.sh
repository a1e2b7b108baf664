#!/bin/sh
# run.sh TEST... - runs tests one after another, all of them, and closes with the sums of their
# counts.  A test's output is shown when it fails, or with V=1; what it skips always is.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

count() { # WORD: the number in cmocka's closing "[  WORD  ] n test(s)"
    sed -n "s/^\[ *$1 *\] \([0-9][0-9]*\) test(s).*/\1/p" "$log" | awk '{n += $1} END {print n + 0}'
}

for test in "$@"; do
    start=$(date +%s)
    sh -c "$test" > "$log" 2>&1
    status=$?
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    # One that crashes, or fails without saying so, is a failure too.
    [ $status -eq 0 ] || [ "$f" -gt 0 ] || f=1
    [ $((p + f + s)) -gt 0 ] || f=1
    [ "$f" -eq 0 ] && [ "${V:-0}" = 0 ] || cat "$log"
    grep -E 'SKIPPED[,:] ' "$log" | sort -u
    name=${test##*/}
    echo "${name%% *}: $p passed, $f failed, $s skipped, $(($(date +%s) - start)) s"
    [ $status -eq 0 ] || echo "    status $status: $test"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "total: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
