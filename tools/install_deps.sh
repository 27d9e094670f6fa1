#!/bin/sh
# Installs what is missing of the packages that building, testing (and, with "lint", checking) needs; says which.
# Debian 12 and Ubuntu 22.04 or later.
set -eu
packages="g++ cmake ninja-build pkg-config python3 git
  libhwy-dev libeigen3-dev coinor-libcbc-dev libpcre2-dev libutf8proc-dev zlib1g-dev libzstd-dev liblzma-dev libbz2-dev libxxhash-dev libcurl4-openssl-dev
  nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libfmt-dev libgtest-dev libbenchmark-dev"
if [ "${1:-}" = lint ]; then
  packages="$packages clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev"
fi
missing=""
for package in $packages; do
  status=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  case "$status" in
    ii*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null; then
  echo "deps: this system has no apt-get; please install:$missing" >&2
  exit 1
fi
root=""
if [ "$(id -u)" != 0 ]; then
  root=sudo
  command -v sudo >/dev/null || { echo "deps: not root and no sudo; please install:$missing" >&2; exit 1; }
fi
echo "deps: installing$missing"
# DEBIAN_FRONTEND: no questions.
$root env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >/dev/null
