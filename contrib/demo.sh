#!/bin/bash
# From nothing to finished jobs on this machine, each checked against an answer that gibbon had no part in; then on a pool
# of four agents, with keys and state of their own, that talk over loopback; and to a simulated one on many:
#
#   1. a list     checksum and compress every file below /usr/share/doc, compared byte by byte with a plain shell loop
#   2. a search   the six letters with a given SHA-256, stopped by the first hit
#   3. a proof    that no five letters have it: every piece of the range is accounted for
#   4. a pool     the list and the proof again, on four agents; and the proof once more while one of them is killed and
#                 another one stands still: the same answers
#   5. many       500 machines of different power, simulated, a tenth of which die
#
# and that no process and no file is left afterwards. Debian 12; installs what is missing, builds into build/release.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

contrib/install-deps.sh --build

work=$(mktemp -d)
export LC_ALL=C
trap 'rm -rf "$work"' EXIT

fail() {
  printf '\ndemo: FAILED: %s\n' "$1" >&2
  [ $# -lt 2 ] || sed 's/^/  | /' "$2" | tail -n 30 >&2
  exit 1
}
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR
now_ms() { echo $(($(date +%s%N) / 1000000)); }
tenths() { printf '%d.%d' $(($1 / 10)) $(($1 % 10)); }
seconds() { printf '%s s' "$(tenths $(($1 / 100)))"; }

say() { printf '\n\033[1m%s\033[0m\n' "$1"; }
[ -t 1 ] || say() { printf '\n%s\n' "$1"; }

say "Building (build/release; some minutes the first time)"
build_started=$(now_ms)
if ! { cmake --preset release && cmake --build --preset release -- gibbon &&
  c++ -std=c++20 -O2 -o "$work/preimage" contrib/examples/preimage.cpp; } >"$work/build.log" 2>&1; then
  fail "the build broke" "$work/build.log"
fi
build_ms=$(($(now_ms) - build_started))
echo "built in $(seconds $build_ms)"

binary=$root/build/release/gibbon
# Whatever it keeps on disk, it keeps in these two.
mkdir "$work/tmp"
gibbon() { TMPDIR="$work/tmp" XDG_RUNTIME_DIR="$work/tmp" GIBBON_STATE="$work/state" "$binary" "$@" </dev/null; }
"$binary" version

# --- 1. a list

folder=/usr/share/doc
find "$folder" -type f | sort | sed -n 1,6000p >"$work/list"
if [ "$(wc -l <"$work/list")" -lt 2000 ]; then
  folder=/usr/share
  find "$folder" -type f | sort | sed -n 1,6000p >"$work/list"
fi
files=$(wc -l <"$work/list")

say "1. Checksum and compress the $files files below $folder"
echo "   \$ gibbon run -k -a list 'sha256sum {}; gzip -nc {} | wc -c'"
started=$(now_ms)
gibbon run -k -a "$work/list" 'sha256sum {}; gzip -nc {} | wc -c' >"$work/list.gibbon" 2>"$work/list.err" ||
  fail "gibbon run exited with $?" "$work/list.err"
list_ms=$(($(now_ms) - started))
sed 's/^/   /' "$work/list.err"
echo "   the same as a loop in the shell ..."
started=$(now_ms)
while IFS= read -r file; do
  sha256sum "$file"
  gzip -nc "$file" | wc -c
done <"$work/list" >"$work/list.loop"
loop_ms=$(($(now_ms) - started))
cmp "$work/list.gibbon" "$work/list.loop" || fail "gibbon's output and the loop's differ"
echo "   loop $(seconds $loop_ms), gibbon $(seconds $list_ms), $(wc -c <"$work/list.loop") bytes of output, identical"

# --- 2. a search

word=gibbon
hash=$(printf %s "$word" | sha256sum | cut -d ' ' -f 1)
of_six=$((26 ** 6))
of_five=$((26 ** 5))

say "2. Which six letters have the SHA-256 ${hash:0:16}... ?"
echo "   \$ gibbon run --range 0..$of_six --found 10 --grain 1s ./preimage HASH 6 {lo} {hi}"
started=$(now_ms)
gibbon run --range "0..$of_six" --found 10 --grain 1s "$work/preimage" "$hash" 6 '{lo}' '{hi}' \
  >"$work/hit" 2>"$work/hit.err" || fail "gibbon run exited with $?" "$work/hit.err"
hit_ms=$(($(now_ms) - started))
sed 's/^/   /' "$work/hit.err"
[ "$(cat "$work/hit")" = "$word" ] || fail "it found something else" "$work/hit"
echo "   found \"$(cat "$work/hit")\" in $(seconds $hit_ms)"

# --- 3. a proof

say "3. Do any five letters have it?"
echo "   \$ gibbon run --jsonl --range 0..$of_five --found 10 --grain 200ms ./preimage HASH 5 {lo} {hi}"
started=$(now_ms)
status=0
gibbon run --jsonl --range "0..$of_five" --found 10 --grain 200ms "$work/preimage" "$hash" 5 '{lo}' '{hi}' \
  >"$work/none" 2>"$work/none.err" || status=$?
none_ms=$(($(now_ms) - started))
sed 's/^/   /' "$work/none.err"
[ "$status" -eq 1 ] || fail "expected exit code 1 (not found), got $status" "$work/none.err"
tail -n 1 "$work/none" | grep -q '"ending":"not found"' || fail "the verdict is not \"not found\"" "$work/none"
# The pieces, sorted, must join from 0 to the end without a gap and without an overlap.
sed -nE 's/.*"lo":"([0-9]+)","hi":"([0-9]+)","outcome":"ok".*/\1 \2/p' "$work/none" | sort -n >"$work/pieces"
awk -v end="$of_five" '$1 != at { bad = 1 } { at = $2 } END { exit bad || at != end }' "$work/pieces" ||
  fail "the pieces do not cover the range exactly once" "$work/pieces"
pieces=$(wc -l <"$work/pieces")
echo "   none of $of_five: $pieces pieces, each committed once, no gap, in $(seconds $none_ms)"

# --- 4. a pool

# Each has a directory of its own, and a name: at NAME COMMAND... is what its user types.
at() {
  local name=$1
  shift
  (cd "$work/$name/home" && env HOME="$work/$name/home" TMPDIR="$work/tmp" XDG_RUNTIME_DIR="$work/$name" \
    GIBBON_STATE="$work/$name/state" "$binary" "$@" </dev/null)
}
bring_up() { at "$1" up --listen 127.0.0.1:0 --slots 1 --events "$work/$1/events" 2>>"$work/$1/up"; }
# Every piece of a range once, no gap, none found.
check_proof() {
  tail -n 1 "$1" | grep -q '"ending":"not found"' || fail "the verdict is not \"not found\"" "$1"
  sed -nE 's/.*"lo":"([0-9]+)","hi":"([0-9]+)","outcome":"ok".*/\1 \2/p' "$1" | sort -n >"$work/pieces"
  awk -v end="$of_five" '$1 != at { bad = 1 } { at = $2 } END { exit bad || at != end }' "$work/pieces" ||
    fail "the pieces do not cover the range exactly once" "$work/pieces"
}

say "4. A pool of four agents on this machine, each with its own keys, state and port"
names=(alpha beta gamma delta)
for name in "${names[@]}"; do mkdir -p "$work/$name/home"; done
bring_up alpha || fail "alpha did not come up" "$work/alpha/up"
for name in "${names[@]:1}"; do
  founds=()
  [ "$name" != beta ] || founds=(--name alpha)
  echo "   alpha\$ gibbon invite        $name\$ gibbon join gib1-..."
  token=$(at alpha invite -q "${founds[@]}" 2>"$work/invite.err") || fail "no invitation" "$work/invite.err"
  at "$name" join --no-start --name "$name" "$token" 2>"$work/join.err" || fail "$name did not join" "$work/join.err"
  bring_up "$name" || fail "$name did not come up" "$work/$name/up"
done
for name in "${names[@]}"; do
  tries=0
  until at "$name" peers --json 2>/dev/null | grep -q '"peers":\[{'; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "$name has no link" "$work/$name/state/agent.log"
    sleep 0.1
  done
done
at alpha peers | sed 's/^/   /'

echo
echo "   alpha\$ gibbon run -k -a list 'sha256sum {}; gzip -nc {} | wc -c'"
started=$(now_ms)
at alpha run -k -a "$work/list" 'sha256sum {}; gzip -nc {} | wc -c' >"$work/list.pool" 2>"$work/list.err" ||
  fail "gibbon run exited with $?" "$work/list.err"
pool_list_ms=$(($(now_ms) - started))
sed 's/^/   /' "$work/list.err"
cmp "$work/list.pool" "$work/list.loop" || fail "the pool's output and the loop's differ"
echo "   $(wc -c <"$work/list.pool") bytes of output, identical with the loop's"

echo
echo "   alpha\$ gibbon run --jsonl --range 0..$of_five --found 10 --grain 200ms ./preimage HASH 5 {lo} {hi}"
status=0
at alpha run --jsonl --range "0..$of_five" --found 10 --grain 200ms "$work/preimage" "$hash" 5 '{lo}' '{hi}' \
  >"$work/none.pool" 2>"$work/none.err" || status=$?
sed 's/^/   /' "$work/none.err"
[ "$status" -eq 1 ] || fail "expected exit code 1 (not found), got $status" "$work/none.err"
check_proof "$work/none.pool"
echo "   none: every piece committed once, no gap"

echo
echo "   the same, while gamma is killed (kill -9) and delta stands still (SIGSTOP)"
# Slower, so that there is a middle: each piece waits a little.
cat >"$work/slow" <<'END'
#!/bin/sh
sleep 0.15
exec "$@"
END
chmod +x "$work/slow"
at alpha run --jsonl --events "$work/faults" --range "0..$of_five" --found 10 --grain 200ms \
  "$work/slow" "$work/preimage" "$hash" 5 '{lo}' '{hi}' >"$work/none.faults" 2>"$work/none.err" &
running=$!
begun_at() { grep -q '"by":"'"$1"'"' "$work/faults" 2>/dev/null; }
tries=0
until begun_at gamma && begun_at delta; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || fail "gamma and delta did not help" "$work/faults"
  sleep 0.1
done
agent_of() { sed -nE 's/.*agent started \(pid ([0-9]+),.*/\1/p' "$work/$1/up" | tail -n 1; }
kill -KILL "$(agent_of gamma)"
kill -STOP "$(agent_of delta)"
status=0
wait "$running" || status=$?
kill -CONT "$(agent_of delta)"
sed 's/^/   /' "$work/none.err"
[ "$status" -eq 1 ] || fail "expected exit code 1 (not found), got $status" "$work/none.err"
check_proof "$work/none.faults"
echo "   none: every piece committed once, no gap"
echo
python3 contrib/examples/who_helped.py "$work/faults" "$work"/{alpha,beta,delta}/events | sed 's/^/   /'
for name in alpha beta delta; do at "$name" down 2>>"$work/$name/up" || fail "$name did not stop" "$work/$name/up"; done

# --- 5. many

nodes=500
iterations=5000
say "5. On $nodes machines of different power, a tenth of them dying (simulated)"
echo "   \$ gibbon simulate --nodes $nodes --iterations $iterations --powers 1:4 --kill 10% --trace build/pool.json"
started=$(now_ms)
gibbon simulate --nodes $nodes --iterations $iterations --powers 1:4 --kill 10% --trace "$root/build/pool.json" \
  >"$work/many" 2>"$work/many.err" || fail "gibbon simulate exited with $?" "$work/many.err"
many_ms=$(($(now_ms) - started))
sed 's/^/   /' "$work/many"
makespan=$(sed -nE "s/^$iterations iterations on $nodes nodes in ([0-9.]+) s$/\1/p" "$work/many")
ratio=$(sed -nE 's/^  ideal .*, ratio ([0-9.]+)$/\1/p' "$work/many")
[ -n "$makespan" ] || fail "it did not end with all iterations" "$work/many"
awk -v ratio="${ratio:-0}" 'BEGIN { exit !(ratio >= 1 && ratio < 2) }' || fail "it took too long" "$work/many"
grep -q "^  died  *$((nodes / 10)) nodes$" "$work/many" || fail "not a tenth of them died" "$work/many"
if ! python3 -m json.tool "$root/build/pool.json" >/dev/null; then fail "the timeline is none"; fi
echo "   build/pool.json tells who did what, when: open it in a browser at ui.perfetto.dev (Open trace file)."

# --- nothing is left

say "What is left"
left=()
for process in /proc/[0-9]*; do
  program=$(readlink "$process/exe" 2>/dev/null || true)
  if [[ $program == "$binary" || $program == "$work"/* ]] || grep -qsF "$work" "$process/environ"; then
    left+=("process ${process#/proc/}: $program")
  fi
done
while IFS= read -r path; do left+=("$path"); done < <(
  find "$work/tmp" "$work/state" "$work"/{alpha,beta,gamma,delta}/state/{scratch,output} -mindepth 1 2>/dev/null
)
if [ "${#left[@]}" -gt 0 ]; then
  printf '%s\n' "${left[@]}" >"$work/left"
  fail "something was left behind" "$work/left"
fi
echo "   no process, no file"

say "Summary ($(nproc) processors)"
printf '   %-34s %10s   %s\n' \
  "build" "$(seconds $build_ms)" "build/release/gibbon" \
  "list, $files files" "$(seconds $list_ms)" \
  "$(tenths $((loop_ms * 10 / list_ms))) times as fast as the loop, and identical" \
  "search, stopped at the first hit" "$(seconds $hit_ms)" "\"$word\"" \
  "whole range, nothing to find" "$(seconds $none_ms)" "$of_five candidates in $pieces pieces" \
  "list, on four agents" "$(seconds $pool_list_ms)" "identical again" \
  "many, simulated" "$(seconds $many_ms)" "$nodes machines, $makespan s of theirs, ratio $ratio"
printf '\ndemo: all right.\n'
