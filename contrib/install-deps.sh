#!/bin/bash
# Installs what Debian 12 has for building, testing and measuring the program. Quick and silent about the network
# when everything is there already. Root, or a person who may use sudo.
#
#   contrib/install-deps.sh            everything
#   contrib/install-deps.sh --build    only what building and the demo take
set -euo pipefail

build_packages=(
  g++ cmake ninja-build
  libuv1-dev          # loop, processes, timers
  libmsgpack-cxx-dev  # encoding
  libsodium-dev       # cryptography
  libc-ares-dev       # names of hosts
  libspdlog-dev       # logging
  libfmt-dev          # formatting
  libcli11-dev        # command line
  libtomlplusplus-dev # configuration
  nlohmann-json3-dev  # --json
  libexpected-dev     # tl::expected
  libgtest-dev        # the tests are configured together with the program
  libgmock-dev
  python3             # its standard library only
)
test_packages=(
  ccache              # a second build takes seconds
  clang               # the second compiler, and libFuzzer
  libclang-rt-14-dev  # its sanitizer and fuzzer runtimes
  git                 # tests/tidy asks it which files belong to the tree
  iproute2 nftables   # tests/cluster: networks of its own, and cuts in them
)

case "${1:-}" in
  "") packages=("${build_packages[@]}" "${test_packages[@]}") ;;
  --build) packages=("${build_packages[@]}") ;;
  *)
    echo "usage: contrib/install-deps.sh [--build]" >&2
    exit 2
    ;;
esac

give_up() {
  echo "install-deps: $1" >&2
  echo "install-deps: these Debian 12 packages (or what your system calls them) are needed:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
}

for tool in dpkg-query apt-get; do
  command -v "$tool" >/dev/null || give_up "no $tool, so this is no Debian system; nothing was installed."
done

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "install-deps: all ${#packages[@]} packages are here."
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || give_up "missing: ${missing[*]}; installing takes root, and there is no sudo."
  as_root=(sudo)
fi
echo "install-deps: installing ${missing[*]}"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
apt update || echo "install-deps: the lists of packages could not be refreshed, going on with those that are here." >&2
apt install -y --no-install-recommends "${missing[@]}" >/dev/null || give_up "apt-get install failed."
echo "install-deps: installed ${#missing[@]} packages."
