#!/bin/bash
# The program, linked fully static: only the expected warnings of the linker, no interpreter, no shared library, and it
# runs a list in a root directory that holds nothing but itself and the commands of that list.
#
#   tests/process/static_test.sh [BUILD]     BUILD: build directory of the preset static (default build/static)
#
# A static glibc loads shared parts of the host's glibc when certain functions are called: names of users, of hosts, of
# plug-ins. libuv and c-ares contain calls to those below without our ever making them; a new name in the list means that
# something of ours may crash on other systems. Exit code 77: a root directory of one's own is not to be had here.
set -euo pipefail
cd "$(dirname "$0")/../.."

allowed=" dlopen getaddrinfo getpwuid_r getservbyname getservbyport_r "
build=${1:-build/static}

fail() {
  echo "static_test: FAILED: $1" >&2
  exit 1
}

if [ ! -f "$build/CMakeCache.txt" ]; then
  cmake --preset static -B "$build" >/dev/null
fi
cmake --build "$build" -- gibbon >/dev/null || fail "it does not build; see cmake --build $build"

binary=$(realpath "$build")/gibbon
rm -f "$binary"
cmake --build "$build" -- gibbon >"$build/link.log" 2>&1 || fail "it does not link; see $build/link.log"
mapfile -t warned < <(sed -nE "s/.*warning: Using '([^']+)' in statically linked.*/\1/p" "$build/link.log" | sort -u)
for name in "${warned[@]}"; do
  [[ $allowed == *" $name "* ]] || fail "the linker warns of $name, see $build/link.log"
done
! grep -i warning "$build/link.log" | grep -vq "in statically linked applications requires" ||
  fail "the linker warns of something else, see $build/link.log"
! readelf -lW "$binary" | grep -q INTERP || fail "it has an interpreter"
! readelf -dW "$binary" | grep -q NEEDED || fail "it needs shared libraries"
echo "static_test: $(stat -c %s "$binary") bytes, static; the linker warns of ${warned[*]:-nothing}"

if unshare --map-root-user --mount true 2>/dev/null; then
  own_root=(unshare --map-root-user --mount)
elif [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then
  own_root=(unshare --mount)
else
  echo "static_test: SKIPPED: neither a user namespace nor root, so no root directory of its own"
  exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root"/{bin,proc,dev,state,tmp,in}
chmod 700 "$work/root/state"
touch "$work/root/dev/null"
cp "$binary" "$work/root/bin/gibbon"
for command in sh sha256sum gzip wc; do
  path=$(command -v "$command")
  cp -L "$path" "$work/root/bin/$command"
  while read -r library; do
    mkdir -p "$work/root$(dirname "$library")"
    cp -L "$library" "$work/root$library"
  done < <(ldd "$path" | grep -oE '/[^ ]+')
done
for n in $(seq 1 50); do seq "$n" $((n * 97)) >"$work/root/in/$n"; done

# shellcheck disable=SC2016 # {} and $ belong to the shells inside
"${own_root[@]}" /bin/sh -ec '
  mount --bind /dev/null "$1/dev/null"
  mount --rbind /proc "$1/proc"
  exec env -i PATH=/bin HOME=/ GIBBON_STATE=/state "$2" "$1" /bin/sh -ec "
    gibbon version >&2
    cd /in
    gibbon run -k \"sha256sum {}; gzip -nc {} | wc -c\" ::: *"
' sh "$work/root" "$(PATH=$PATH:/usr/sbin:/sbin command -v chroot)" </dev/null >"$work/out" || fail "it exited with $? in the empty root directory"

# shellcheck disable=SC2035 # the names are numbers
(cd "$work/root/in" && for file in *; do sha256sum "$file" && gzip -nc "$file" | wc -c; done) >"$work/expected"
cmp "$work/out" "$work/expected" || fail "its output is not that of the same loop outside"
echo "static_test: $(wc -l <"$work/out") lines from the empty root directory, identical"
