#!/bin/bash
# Builds everything and runs every test. On a fresh Debian 12 machine too: what is missing is installed first.
#
#   contrib/test.sh            release and sanitizer (address, undefined) builds, the fuzz targets with clang, all tests
#   contrib/test.sh --quick    the release build and its tests
#
# What breaks most easily is looked at first: the tree's own rules need no build. The last line is `N passed, N failed`;
# a build that breaks counts as one failure, a skipped test as neither. Exit code 0 means that nothing failed.
set -euo pipefail
cd "$(dirname "$0")/.."

quick=no
case "${1:-}" in
  "") ;;
  --quick) quick=yes ;;
  *)
    echo "usage: contrib/test.sh [--quick]" >&2
    exit 2
    ;;
esac

contrib/install-deps.sh

jobs=$(nproc)
waiting_jobs=$((2 * jobs)) # for tests, which wait for processes and deadlines half of their time
passed=0
failed=0
skipped=0
broken=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT
started=$SECONDS

say() { printf '\n== %s (after %d s)\n' "$1" $((SECONDS - started)); }

broke() {
  failed=$((failed + 1))
  broken+=("$1")
}

configure() {
  cmake --preset "$1" >"$log" 2>&1 && return
  cat "$log"
  broke "configuring $1"
  return 1
}

# Warnings are errors where nobody sits in front of the screen, but for the kinds that g++ 12 makes up about
# std::string. They are read from the log rather than asked of the compiler, so that release and static builds have the
# same flags and share ccache's objects.
judge_warnings() {
  local warnings
  warnings=$(grep -E '^[^ ].* warning: ' "$log" | sort -u |
    grep -vE '\[-W(array-bounds|restrict|stringop-overflow)=?\]$') || return 0
  printf '%s\n' "$warnings"
  [ "${CI:-}" != true ] || broke "warnings of $1"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  say "build $preset"
  if ! NINJA_STATUS='[%f/%t %es] ' cmake --build --preset "$preset" -- -j "$jobs" "$@" >"$log" 2>&1; then
    grep -v '^\[' "$log" | tail -n 60
    broke "building $preset"
    return 1
  fi
  tail -n 1 "$log"
  judge_warnings "$preset"
}

# run_tests PRESET CTEST-ARGUMENT...
run_tests() {
  local preset=$1 status=0 all bad passed_over
  shift
  say "test $preset $*"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error "$@" </dev/null 2>&1 | tee "$log" || status=$?
  read -r bad all < <(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log") || true
  if [ -z "${all:-}" ]; then
    broke "running the tests of $preset"
    return
  fi
  passed_over=$(grep -c '\*\*\*Skipped' "$log" || true)
  [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || broke "ctest of $preset (exit code $status)"
  passed=$((passed + all - bad - passed_over))
  skipped=$((skipped + passed_over))
  failed=$((failed + bad))
  while read -r name; do broken+=("$preset: $name"); done < <(
    sed -nE 's/^[[:space:]]+[0-9]+ - (\S+) \((Failed|Timeout|Not Run|SEGFAULT|.*[Ee]xception.*|.*[Aa]bort.*)\).*$/\1/p' \
      "$log"
  )
}

# clang's opinion of the whole program, for the price of reading it: its compile commands without making code.
read_with_clang() {
  say "read the program with clang"
  ninja -C build/fuzz -t commands gibbon | grep -- ' -c ' |
    sed -E 's/^.* ([^ ]*clang[+]+) /\1 -fsyntax-only /; s/ -fsanitize=[^ ]+//g; s/ -MD -MT [^ ]+ -MF [^ ]+//; s/ -o [^ ]+//' |
    (cd build/fuzz && xargs -d '\n' -n 1 -P "$jobs" sh -c) >"$log" 2>&1 || {
    tail -n 60 "$log"
    broke "reading with clang"
    return
  }
  judge_warnings "reading with clang"
}

fuzz_targets() {
  local source
  for source in tests/fuzz/*.cpp; do
    source=$(basename "$source" .cpp)
    [ "$source" = corpus_main ] || echo "fuzz_$source"
  done
}

if configure release; then
  run_tests release -L tidy
  if build release; then
    run_tests release -LE tidy -j "$waiting_jobs"
  fi
fi
if [ "$quick" = no ]; then
  if configure asan && build asan; then
    run_tests asan -LE tidy -j "$waiting_jobs"
  fi
  # The other compiler: its warnings, and that what fuzz.sh runs can be built.
  if configure fuzz; then
    mapfile -t targets < <(fuzz_targets)
    build fuzz "${targets[@]}" || true
    read_with_clang
  fi
fi

say "done"
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
for what in "${broken[@]}"; do echo "FAILED $what"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
