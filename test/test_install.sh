#!/bin/sh
# test_install.sh VERSION - installs into a temporary tree, moves it, and builds C and C++ programs
# against it: static and shared, through pkg-config and through CMake.  Environment: MAKE, BUILD,
# CC, CXX.
set -u
version=$1
: "${MAKE:=make}" "${CC:=cc}" "${CXX:=c++}"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0

# Reports a command as a test, in cmocka's words.
try() {
    name=install__$1
    shift
    if "$@" > "$tmp/log" 2>&1; then
        echo "[       OK ] $name"
        passed=$((passed + 1))
    else
        cat "$tmp/log"
        echo "[  FAILED  ] $name"
        failed=$((failed + 1))
    fi
}
skip() {
    echo "[  SKIPPED ] install__$1: $2 is missing"
    skipped=$((skipped + 1))
}

cat > "$tmp/use.c" <<'CODE'
#include <hew.h>
#include <stdio.h>
#include <string.h>

/* [1 2; 3 4] times itself, on two threads. */
int main(void)
{
    const float a[4] = {1, 2, 3, 4}, want[4] = {7, 10, 15, 22};
    float c[4];
    hew_pool_desc p;
    hew_gemm_desc d;
    hew_gemm_args r;
    hew_pool *pool;
    hew_gemm *gemm;
    memset(&p, 0, sizeof p);
    p.size = sizeof p;
    p.threads = 2;
    memset(&d, 0, sizeof d);
    d.size = sizeof d;
    d.m = d.n = d.k = 2;
    if (hew_pool_create(&pool, &p) != HEW_OK || hew_gemm_create(&gemm, &d) != HEW_OK)
        return puts(hew_last_error()), 1;
    const hew_threads threads = hew_pool_threads(pool);
    void *scratch = hew_alloc(hew_gemm_scratch_size(gemm, threads.count));
    memset(&r, 0, sizeof r);
    r.size = sizeof r;
    r.a = a, r.b = a, r.c = c, r.scratch = scratch, r.threads = &threads;
    if (hew_gemm_run(gemm, &r) != HEW_OK)
        return puts(hew_last_error()), 1;
    hew_free(scratch);
    hew_gemm_destroy(gemm);
    hew_pool_destroy(pool);
    printf("%s on %s\n", hew_version(), hew_isa_name(hew_active_isa()));
    return memcmp(c, want, sizeof c) != 0;
}
CODE
cp "$tmp/use.c" "$tmp/use.cc"

cat > "$tmp/CMakeLists.txt" <<CODE
cmake_minimum_required(VERSION 3.10)
project(use C CXX)
find_package(hew $version REQUIRED)
foreach(language c cc)
  add_executable(shared_\${language} use.\${language})
  target_link_libraries(shared_\${language} hew::hew)
  add_executable(static_\${language} use.\${language})
  target_link_libraries(static_\${language} hew::static)
endforeach()
CODE

# Installs, then moves the tree: nothing in it may depend on where it was.
install_tree() {
    $MAKE install DESTDIR="$tmp/dest" PREFIX=/opt/hew "$@" && mv "$tmp/dest/opt" "$tmp/moved"
}

run() { # shared|static PROGRAM
    needed=$(readelf -dW "$2" | grep -c 'NEEDED.*libhew')
    [ "$1" = shared ] || [ "$needed" -eq 0 ] || { echo "$2 needs libhew.so"; return 1; }
    [ "$1" = static ] || [ "$needed" -eq 1 ] || { echo "$2 doesn't need libhew.so"; return 1; }
    LD_LIBRARY_PATH=$lib "$2"
}

through_pkg_config() { # shared|static COMPILER SOURCE
    libs=$(pkg-config --cflags --libs hew)
    [ "$1" = shared ] || libs="-static $(pkg-config --static --cflags --libs hew)"
    $2 -Wall -Wextra -Werror "$3" -o "$tmp/use" $libs && run "$1" "$tmp/use"
}

through_cmake() {
    cmake -S "$tmp" -B "$tmp/cmake" -DCMAKE_PREFIX_PATH="$tmp/moved/hew" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" && cmake --build "$tmp/cmake"
}

# A later version, another series: refused.
cmake_refuses() {
    sed "s/find_package(hew [0-9.]*/find_package(hew $1/" "$tmp/CMakeLists.txt" > "$tmp/refused.txt"
    mkdir -p "$tmp/refuse" && cp "$tmp"/use.c* "$tmp/refuse" &&
        cp "$tmp/refused.txt" "$tmp/refuse/CMakeLists.txt"
    ! cmake -S "$tmp/refuse" -B "$tmp/refuse/b$1" -DCMAKE_PREFIX_PATH="$tmp/moved/hew"
}

emptied() {
    $MAKE install DESTDIR="$tmp/un" && $MAKE uninstall DESTDIR="$tmp/un" &&
        [ "$(find "$tmp/un" ! -type d | wc -l)" -eq 0 ]
}

lib=$tmp/moved/hew/lib
try tree install_tree
if command -v pkg-config > /dev/null; then
    PKG_CONFIG_PATH=$lib/pkgconfig
    export PKG_CONFIG_PATH
    try pkg_config_version [ "$(pkg-config --modversion hew)" = "$version" ]
    for kind in shared static; do
        try pkg_config_${kind}_c through_pkg_config $kind "$CC" "$tmp/use.c"
        try pkg_config_${kind}_cxx through_pkg_config $kind "$CXX" "$tmp/use.cc"
    done
else
    skip pkg_config pkg-config
fi
if command -v cmake > /dev/null; then
    try cmake through_cmake
    for kind in shared static; do
        try cmake_${kind}_c run $kind "$tmp/cmake/${kind}_c"
        try cmake_${kind}_cxx run $kind "$tmp/cmake/${kind}_cc"
    done
    try cmake_refuses_newer cmake_refuses "${version%.*}.999"
    try cmake_refuses_other_series cmake_refuses "7.0"
else
    skip cmake cmake
fi
try uninstall emptied

[ $passed -eq 0 ] || echo "[  PASSED  ] $passed test(s)."
[ $skipped -eq 0 ] || echo "[  SKIPPED ] $skipped test(s), listed above"
[ $failed -eq 0 ] || { echo "[  FAILED  ] $failed test(s), listed above"; exit 1; }
