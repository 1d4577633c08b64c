# shellcheck shell=sh
# Shell functions of ./quickstart, ./check and tools/nightly. POSIX sh; sourced
# with the working directory at the root of the tree.

die() {
    echo "$0: $*" >&2
    exit 1
}

now_wall_s() {
    date +%s
}

# stage NAME COMMAND...: runs it and prints how long it took.
stage() {
    stage_name=$1
    shift
    echo "== $stage_name"
    stage_start=$(now_wall_s)
    stage_status=0
    "$@" || stage_status=$?
    stage_wall_s=$(($(now_wall_s) - stage_start))
    echo "== $stage_name: ${stage_wall_s} s"
    return "$stage_status"
}

# packages_missing MARK...: packages of tools/packages.txt with one of the
# marks that dpkg does not know as installed.
packages_missing() {
    for mark in "$@"; do
        sed -n "s/^\([a-z0-9][a-z0-9.+-]*\) .*\[$mark\].*/\1/p" \
            tools/packages.txt
    done | while read -r package; do
        status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) || :
        [ "$status" = "install ok installed" ] || echo "$package"
    done
}

# install_packages MARK...: installs what is missing, or says what is missing
# where that cannot be done.
install_packages() {
    if ! command -v dpkg-query >/dev/null; then
        echo "Not a Debian system: packages are not checked. Needed (Debian" \
            "names): $(sed -n 's/^\([a-z0-9][^ ]*\) .*/\1/p' \
                tools/packages.txt | tr '\n' ' ')"
        return 0
    fi
    missing=$(packages_missing "$@" | tr '\n' ' ')
    if [ -z "$missing" ]; then
        echo "All packages are there."
        return 0
    fi
    echo "Missing packages: $missing"
    command -v apt-get >/dev/null ||
        die "no apt-get here; please install: $missing"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            die "neither root nor sudo; please install: $missing"
        as_root=sudo
    fi
    # shellcheck disable=SC2086 # one word per package
    apt_install $missing && return 0
    # Lists of packages may be missing or old.
    $as_root apt-get update -q || die "apt-get update failed; needed: $missing"
    # shellcheck disable=SC2086
    apt_install $missing || die "apt-get could not install: $missing"
}

apt_install() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=60 "$@" \
        >build/apt.log 2>&1 || {
        tail -n 5 build/apt.log >&2
        return 1
    }
}

# The same environment for every program and test, whatever the caller's.
clean_environment() {
    unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
    # One BLAS thread per process: part of the determinism promise.
    export OPENBLAS_NUM_THREADS=1
    export PYTHONDONTWRITEBYTECODE=1
    LC_ALL=C.UTF-8
    export LC_ALL
    if [ -z "${FEDCARBON_DATA:-}" ] && [ -d data ]; then
        FEDCARBON_DATA=$PWD/data
        export FEDCARBON_DATA
    fi
}

sanitizer_environment() {
    # A refused huge allocation is a case that the tests try.
    ASAN_OPTIONS=allocator_may_return_null=1:strict_string_checks=1
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_stack_use_after_return=1
    ASAN_OPTIONS=$ASAN_OPTIONS:check_initialization_order=1
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    TSAN_OPTIONS=allocator_may_return_null=1:halt_on_error=1
    TSAN_OPTIONS=$TSAN_OPTIONS:second_deadlock_stack=1
    if [ -f tests/support/tsan.supp ]; then
        TSAN_OPTIONS=$TSAN_OPTIONS:suppressions=$PWD/tests/support/tsan.supp
    fi
    LSAN_OPTIONS=print_suppressions=0
    if [ -f tests/support/lsan.supp ]; then
        LSAN_OPTIONS=$LSAN_OPTIONS:suppressions=$PWD/tests/support/lsan.supp
    fi
    export ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS LSAN_OPTIONS
}

# configure PRESET [CMAKE OPTION...]
configure() {
    preset=$1
    shift
    if command -v ccache >/dev/null; then
        set -- "$@" -DCMAKE_C_COMPILER_LAUNCHER=ccache
    fi
    cmake --preset "$preset" "$@" >"build/$preset-configure.log" 2>&1 || {
        cat "build/$preset-configure.log" >&2
        return 1
    }
}

# build PRESET [TARGET...]: everything, or the targets.
build() {
    preset=$1
    shift
    if [ "$#" -gt 0 ]; then
        set -- --target "$@"
    fi
    cmake --build "build/$preset" "$@" >"build/$preset-build.log" 2>&1 || {
        grep -v '^\[[0-9]*/[0-9]*\]' "build/$preset-build.log" | head -n 60 >&2
        return 1
    }
    tail -n 1 "build/$preset-build.log"
}

# fuzz_all SECONDS: each target of build/fuzz for that long, from the seeds in
# tests/fuzz/corpus; what it learns and what it finds stay in build/fuzz.
fuzz_all() {
    fuzz_status=0
    fuzz_n=0
    for target in build/fuzz/tests/fuzz/fuzz_*; do
        if [ ! -f "$target" ] || [ ! -x "$target" ]; then
            continue
        fi
        fuzz_n=$((fuzz_n + 1))
        fuzz_name=${target##*/fuzz_}
        mkdir -p "build/fuzz/corpus/$fuzz_name"
        echo "-- fuzz $fuzz_name, $1 s"
        if ! "$target" -max_total_time="$1" -print_final_stats=1 \
            -artifact_prefix="build/fuzz/found-$fuzz_name-" \
            "build/fuzz/corpus/$fuzz_name" "tests/fuzz/corpus/$fuzz_name" \
            >"build/fuzz/$fuzz_name.log" 2>&1; then
            tail -n 40 "build/fuzz/$fuzz_name.log" >&2
            fuzz_status=1
        fi
    done
    echo "$fuzz_n fuzz targets"
    [ "$fuzz_n" -gt 0 ] && [ "$fuzz_status" = 0 ]
}
