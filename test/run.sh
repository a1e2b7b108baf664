#!/bin/sh
# run.sh TEST... - runs tests, JOBS at a time, all of them, and closes with how each rung was run
# and with the sums of their counts.  A test's output is shown when it fails, or with V=1; what it
# skips always is.
set -u

count() { # WORD: the number in cmocka's closing "[  WORD  ] n test(s)"
    sed -n "s/^\[ *$1 *\] \([0-9][0-9]*\) test(s).*/\1/p" "$log" | awk '{n += $1} END {print n + 0}'
}

run_one() { # SUMS TEST: what it prints comes in one piece
    sums=$1 test=$2
    log=$(mktemp)
    start=$(date +%s)
    sh -c "$test" > "$log" 2>&1
    status=$?
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    # One that crashes, fails without saying so, or says nothing, is a failure too.
    [ $status -eq 0 ] || [ "$f" -gt 0 ] || f=1
    [ $((p + f + s)) -gt 0 ] || f=1
    echo "$p $f $s" >> "$sums"
    sed -n 's/^[a-z0-9_]* on \([a-z0-9_]*\): \(native\|emulated\|SKIPPED\).*/\1 \2/p' \
        "$log" >> "$sums"
    name=${test##*/}
    {
        [ "$f" -eq 0 ] && [ "${V:-0}" = 0 ] || cat "$log"
        grep -E 'SKIPPED[,:] ' "$log" | sort -u
        echo "${name%% *}: $p passed, $f failed, $s skipped, $(($(date +%s) - start)) s"
        [ $status -eq 0 ] || echo "    status $status: $test"
    } > "$log.report"
    cat "$log.report"
    rm -f "$log" "$log.report"
}

if [ "$1" = --one ]; then
    run_one "$2" "$3"
    exit 0
fi
sums=$(mktemp)
trap 'rm -f "$sums"' EXIT
printf '%s\0' "$@" | xargs -0 -P "${JOBS:-$(nproc)}" -I TEST "$0" --one "$sums" TEST
awk '/^[0-9]/ {p += $1; f += $2; s += $3; runs++}
/^[a-z]/ {
    times[$1 " " $2]++
    rungs[$1] = 1
} END {
    n = split("avx2 avx2_vnni avx512 avx512_vnni avx512_bf16 amx", name, " ")
    for (i = 1; i <= n; i++)
        if (name[i] in rungs)
            printf "%s: %d groups native, %d emulated, %d skipped\n", name[i],
                times[name[i] " native"], times[name[i] " emulated"], times[name[i] " SKIPPED"]
    printf "total: %d passed, %d failed, %d skipped\n", p, f, s
    exit runs == 0 || f > 0
}' "$sums"
