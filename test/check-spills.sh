#!/bin/sh
# check-spills.sh OBJECT... - no micro-kernel loop may keep a vector register on the stack.
#
# A loop is a set of instructions each of which can be reached from each other one: compilers move
# what is rare behind the function's end and jump back from there, so a backward jump alone is none.
# Where it holds a fused multiply-add, a dot product or a multiply of tiles, each instruction that
# names both a vector register and the stack is a spill.  %rbp counts as the stack only in functions
# that make it a frame pointer.
#
# Environment: CC, for the self-check, which compiles one loop that must spill and one that can't.
set -eu

count_spills() {
    objdump -d --no-show-raw-insn "$@" | awk '
    # Blocks of instructions that run one after the other, and the two that may come after each.
    function cut_into_blocks(   i) {
        blocks = 0
        delete starts
        starts[1] = 1
        for (i = 1; i <= count; i++) {
            if (jump_to[i] in line_at)
                starts[line_at[jump_to[i]]] = 1
            if (jump_to[i] != "" || ends[i])
                starts[i + 1] = 1
        }
        for (i = 1; i <= count; i++) {
            if (i in starts)
                first[++blocks] = i
            block[i] = blocks
            last[blocks] = i
        }
        first[blocks + 1] = count + 1
        for (i = 1; i <= blocks; i++)
            before[i] = ""
        for (i = 1; i <= blocks; i++) {
            next_a[i] = ends[last[i]] || i == blocks ? 0 : i + 1
            next_b[i] = jump_to[last[i]] in line_at ? block[line_at[jump_to[last[i]]]] : 0
            before[next_a[i]] = before[next_a[i]] " " i
            before[next_b[i]] = before[next_b[i]] " " i
        }
    }
    # Kosaraju: blocks in the order in which a walk leaves them; then, from the last of those back,
    # walks against the jumps, each of which finds a loop or a block in none.
    function find_loops(   i, j, k, n, top, b, parts, stack) {
        delete seen
        delete loop
        delete size
        n = loops = 0
        for (i = 1; i <= blocks; i++) {
            if (i in seen)
                continue
            stack[top = 1] = i
            while (top > 0) {
                b = stack[top]
                seen[b] = 1
                if (next_a[b] && !(next_a[b] in seen))
                    stack[++top] = next_a[b]
                else if (next_b[b] && !(next_b[b] in seen))
                    stack[++top] = next_b[b]
                else
                    left[++n] = stack[top--]
            }
        }
        for (i = n; i >= 1; i--) {
            if (left[i] in loop)
                continue
            stack[top = 1] = left[i]
            loop[left[i]] = ++loops
            while (top > 0) {
                b = stack[top--]
                size[loops]++
                if (next_a[b] == b || next_b[b] == b)
                    size[loops]++
                k = split(before[b], parts, " ")
                for (j = 1; j <= k; j++)
                    if (!(parts[j] in loop)) {
                        loop[parts[j]] = loops
                        stack[++top] = parts[j]
                    }
            }
        }
    }
    function close_function(   i, l, spilled, fused, found) {
        if (count > 0) {
            cut_into_blocks()
            find_loops()
        }
        for (i = 1; i <= count; i++)
            if (is_fused[i] && size[loop[block[i]]] > 1)
                fused[loop[block[i]]] = 1
        for (l in fused)
            found++
        for (i = 1; i <= count; i++)
            if ((loop[block[i]] in fused) && on_stack[i] && (!by_rbp[i] || framed))
                spilled++
        if (found > 0) {
            printf "%-48s %5d loops %5d spills\n", name, found, spilled
            functions++
            all += spilled
        }
        count = framed = 0
        delete line_at
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
        line_at[address] = ++count
        is_fused[count] = line ~ /^([{]vex[}] *)?(v(fn?m(add|sub)|pdp|dpbf16|pmaddubsw|pmaddwd)|tdp)/
        by_rbp[count] = line ~ /\(%rbp/
        on_stack[count] = line ~ /\(%r[sb]p/ && line ~ /%[xyz]mm/
        if (line ~ /^mov +%rsp,%rbp/)
            framed = 1
        ends[count] = line ~ /^(jmp|ret|ud2|hlt)/
        jump_to[count] = ""
        if (line ~ /^j[a-z]+ +[0-9a-f]+ /) {
            split(line, word, / +/)
            jump_to[count] = word[2]
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
