#!/bin/sh
# check-baseline.sh BASELINE_OBJECT... -- AVX2_OBJECT...
#
# What runs before the CPU has been asked must run on any x86-64: no instruction newer than SSE2 in
# the first list (XGETBV stands behind its CPUID bit), no EVEX registers or masks in the second.
set -eu

# VEX and EVEX mnemonics begin with v, but for masks and BMI; then AMX; then the SSEs after SSE2.
# (tzcnt is what `rep bsf` reads as, which old CPUs run as bsf.)
newer='v[a-z0-9]+|k(add|and|andn|mov|not|or|ortest|shift[lr]|test|unpck|xnor|xor)[bwdq]+'
newer="$newer|andn|bextr|blsi|blsmsk|blsr|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx|lzcnt|popcnt"
newer="$newer|(ld|st)tilecfg|tile[a-z0-9]+|tdp[a-z0-9]+"
newer="$newer|movbe|crc32[bwlq]?|adcx|adox|aes[a-z0-9]+|pclmul[a-z0-9]+|sha(1|256)[a-z0-9]+"
newer="$newer|addsubp[sd]|h(add|sub)p[sd]|lddqu|mov(s[lh]|d)dup|ph(add|sub)[a-z]+|pabs[bwd]"
newer="$newer|palignr|pmaddubsw|pmulhrsw|pshufb|psign[bwd]|p?blendv?[a-z]+|dpp[sd]|(ext|ins)[er]+[a-z]*ps"
newer="$newer|movntdqa|mpsadbw|packusdw|pcmp(eq|gt)q|pcmp[ei]str[im]|p(extr|insr)[bdq]|phminposuw"
newer="$newer|pm(ax|in)(sb|sd|ud|uw)|pmov[sz]x[a-z]+|pmul(dq|ld)|ptest|round[ps][sd]"

find_in() { # PATTERN OBJECT...
    pattern=$1
    shift
    objdump -d --no-show-raw-insn "$@" | awk -v pattern="$pattern" '
        /file format/ { file = $1 }
        /^[0-9a-f]+ <.*>:$/ { name = $2 }
        /^ *[0-9a-f]+:\t/ {
            text = $0
            sub(/^[^\t]*\t/, "", text)
            lines++
            if (text ~ pattern) {
                print file, name, text
                found = 1
            }
        }
        END { exit lines == 0 ? 2 : found }'
}

baseline=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    baseline="$baseline $1"
    shift
done
shift

# The check checks itself: these must be found.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for code in 'vaddps %xmm0,%xmm1,%xmm2' 'popcnt %eax,%eax' 'kmovw %eax,%k1' 'pmulld %xmm0,%xmm1' \
    'tilerelease' 'insertps $0,%xmm0,%xmm1' 'blendvps %xmm0,%xmm1,%xmm2'; do
    echo "$code" | "${CC:-cc}" -x assembler -c - -o "$tmp/x.o"
    if find_in "^($newer)( |\$)" "$tmp/x.o" > "$tmp/out"; then
        echo "check-baseline: overlooks $code"
        exit 2
    fi
done

find_in "^($newer)( |\$)" $baseline
[ $# -eq 0 ] || find_in '%zmm|%k[0-7]|%[xy]mm(1[6-9]|2[0-9]|3[01])' "$@"
echo "check-baseline: $(echo "$baseline" | wc -w) baseline objects and $# of AVX2 are clean"
