#!/bin/sh
# check-exports.sh LIBHEW_A LIBHEW_SO HEADER...
#
# The shared library exports what the headers declare, no more and no less.  The static one defines
# no global name without the prefix.  Nothing runs before main, no code is chosen by the linker, no
# page is writable and executable.
set -eu
archive=$1 shared=$2
shift 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
refuse() { # WHAT: stdin has the offenders.  In a pipe this is a process of its own, hence the file.
    sort -u > "$tmp/found"
    if [ -s "$tmp/found" ]; then
        echo "check-exports: $1:"
        sed 's/^/    /' "$tmp/found"
        touch "$tmp/failed"
    fi
}

cat "$@" | tr '\n' ' ' | grep -oE 'HEW_API [^;(]*\(' | grep -oE 'hew_[a-z0-9_]+ *\($' |
    tr -d ' (' | sort -u > "$tmp/declared"
nm -D --defined-only "$shared" | awk '{print $3}' | sort -u > "$tmp/exported"
[ -s "$tmp/declared" ] && [ -s "$tmp/exported" ]
comm -13 "$tmp/declared" "$tmp/exported" | refuse "exported but not declared in a header"
comm -23 "$tmp/declared" "$tmp/exported" | refuse "declared in a header but not exported"

nm -g --defined-only "$archive" | awk 'NF == 3 && $3 !~ /^hew_/ {print $3}' |
    refuse "global names without hew_ in $archive"
nm "$archive" | awk 'NF == 3 && $2 == "i" {print $3}' | refuse "IFUNCs"
objdump -h "$archive" | grep -oE '\.(preinit_array|init_array|fini_array|ctors|dtors|init|fini)\b.*' |
    refuse "sections of constructors"
readelf -dW "$shared" | grep -E 'TEXTREL' | refuse "relocations in code"
readelf -lW "$shared" | grep -E '^ *(LOAD|GNU_STACK).* (RWE|WE) ' | refuse "writable code"
readelf -dW "$shared" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -vE '^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|ld-linux-x86-64\.so\.2)$' |
    refuse "dependencies besides libc"
[ ! -e "$tmp/failed" ] || exit 1
echo "check-exports: $(wc -l < "$tmp/exported") functions, all of them the headers'"
