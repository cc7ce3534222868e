#!/bin/bash
# Runs every fuzz target for a while, one after the other, starting from the corpora in tests/fuzz/corpus.
#
#   contrib/fuzz.sh [SECONDS [TARGET...]]     60 seconds each, all targets
#
# New inputs are kept in build/fuzz/corpus and are the start of the next run. An input that breaks a target stays in
# build/fuzz/found: put it into tests/fuzz/corpus/TARGET/, and every test run will try it from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || {
  echo "usage: contrib/fuzz.sh [SECONDS [TARGET...]]" >&2
  exit 2
}
shift || true
targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
  for source in tests/fuzz/*.cpp; do
    name=$(basename "$source" .cpp)
    [ "$name" = corpus_main ] || targets+=("$name")
  done
fi

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -- "${targets[@]/#/fuzz_}"

mkdir -p build/fuzz/found
broken=()
for name in "${targets[@]}"; do
  program=$(find build/fuzz -type f -name "fuzz_$name" -perm -u+x | head -n 1)
  grown=build/fuzz/corpus/$name
  mkdir -p "$grown"
  seeds=()
  [ -d "tests/fuzz/corpus/$name" ] && seeds=("tests/fuzz/corpus/$name")
  printf '== %s, %d s\n' "$name" "$seconds"
  log=build/fuzz/found/$name.log
  if ! "$program" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/found/$name-" "$grown" "${seeds[@]}" >"$log" 2>&1; then
    tail -n 40 "$log"
    broken+=("$name")
  else
    grep -E '^stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' "$log"
  fi
done

for name in "${broken[@]}"; do echo "BROKEN $name: see build/fuzz/found/$name-*"; done
echo "$((${#targets[@]} - ${#broken[@]})) targets held, ${#broken[@]} broke"
[ "${#broken[@]}" -eq 0 ]
