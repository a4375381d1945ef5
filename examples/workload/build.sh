#!/usr/bin/env bash
# Builds the example workload and copies the program to OUTDIR/example-workload.
# Usage: build.sh OUTDIR
# What is missing of gRPC, Protobuf and CMake is installed from Debian by name, when that is possible.
set -euo pipefail

[[ $# == 1 ]] || {
  echo "usage: $0 OUTDIR" >&2
  exit 2
}
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
mkdir -p "$1"
out="$(cd "$1" && pwd)"

missing=()
for package in cmake g++ pkg-config libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc; do
  status="$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)"
  # pkgconf stands in for pkg-config.
  [[ $package == pkg-config ]] && command -v pkg-config >/dev/null && continue
  [[ $status == 'install ok installed' ]] || missing+=("$package")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "transship: missing: ${missing[*]}. Install them (Debian: sudo apt-get install ${missing[*]})" >&2
    exit 1
  fi
  echo "transship: installing ${missing[*]} with apt-get" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

# Two builds of one tree at the same time would spoil each other.
build="$out/build"
mkdir -p "$build"
exec {lock}>"$build/.lock"
flock --timeout 1800 "$lock"
cmake -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -Wno-dev --log-level=WARNING >&2
cmake --build "$build" --parallel 2 >&2
# Replaced in one step: the old program may be running.
cp "$build/example-workload" "$out/.example-workload.new"
mv "$out/.example-workload.new" "$out/example-workload"
echo "$out/example-workload"
