#!/bin/sh
# check-spills.sh OBJECT... - no micro-kernel loop may keep a vector register on the stack.
#
# A loop is what a backward jump inside a function spans.  Where it holds a fused multiply-add or a
# dot product, each instruction that names both a vector register and the stack is a spill.  %rbp
# counts as the stack only in functions that make it a frame pointer.
#
# Environment: CC, for the self-check, which compiles one loop that must spill and one that can't.
set -eu

count_spills() {
    objdump -d --no-show-raw-insn "$@" | awk '
    function hex(text,   i, value) {
        for (i = 1; i <= length(text); i++)
            value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
        return value
    }
    function close_function(   j, i, first, loops, spilled, seen) {
        for (j = 1; j <= jumps; j++) {
            fused = 0
            first = 0
            for (i = from[j]; i > 0 && at[i] >= to[j]; i--) {
                first = i
                fused = fused || is_fused[i]
            }
            if (!fused)
                continue
            loops++
            for (i = first; i <= from[j]; i++)
                if (on_stack[i] && !(i in seen) && (!by_rbp[i] || framed)) {
                    seen[i] = 1
                    spilled++
                }
        }
        if (loops > 0) {
            printf "%-48s %5d loops %5d spills\n", name, loops, spilled
            functions++
            all += spilled
        }
        count = jumps = framed = 0
    }
    /^[0-9a-f]+ <.*>:$/ {
        close_function()
        name = substr($2, 2, length($2) - 3)
        next
    }
    /^ *[0-9a-f]+:\t/ {
        address = $1
        sub(":", "", address)
        line = $0
        sub(/^[^\t]*\t/, "", line)
        at[++count] = hex(address)
        is_fused[count] = line ~ /^\{?[a-z]* ?v(fn?m(add|sub)|pdp|dpbf16|pmaddubsw|pmaddwd)/
        by_rbp[count] = line ~ /\(%rbp/
        on_stack[count] = line ~ /\(%r[sb]p/ && line ~ /%[xyz]mm/
        if (line ~ /^mov +%rsp,%rbp/)
            framed = 1
        if (line ~ /^j[a-z]+ +[0-9a-f]+ /) {
            split(line, word, / +/)
            target = hex(word[2])
            if (target <= at[count] && target >= at[1]) {
                from[++jumps] = count
                to[jumps] = target
            }
        }
    }
    END {
        close_function()
        printf "%d functions with such loops, %d spills\n", functions, all
        exit functions == 0 ? 2 : all > 0
    }'
}

# `live` sums of a vector each: with 24 of them and 16 registers, eight at least must spill.
self_check() {
    live=$1 wanted=$2
    cat > "$tmp/loop.c" <<CODE
#include <immintrin.h>
void loop(const float *a, long k, float *c)
{
    __m256 s[$live];
    for (int i = 0; i < $live; i++)
        s[i] = _mm256_setzero_ps();
    for (; k > 0; k--, a += 8 * $live) {
        const __m256 b = _mm256_loadu_ps(c);
#pragma GCC unroll 32
        for (int i = 0; i < $live; i++)
            s[i] = _mm256_fmadd_ps(_mm256_loadu_ps(a + 8 * i), b, s[i]);
    }
    for (int i = 0; i < $live; i++)
        _mm256_storeu_ps(c + 8 * i, s[i]);
}
CODE
    "${CC:-cc}" -O2 -mavx2 -mfma -c "$tmp/loop.c" -o "$tmp/loop.o"
    result=0
    count_spills "$tmp/loop.o" > "$tmp/out" || result=$?
    if [ $result -ne "$wanted" ]; then
        echo "check-spills: the self-check with $live sums gives $result, not $wanted:"
        cat "$tmp/out"
        exit 2
    fi
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
self_check 24 1
self_check 12 0
result=0
count_spills "$@" || result=$?
[ $result -ne 2 ] || echo "check-spills: no loop with a fused multiply-add found: nothing checked"
exit $result
