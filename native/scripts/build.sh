#!/usr/bin/env bash
# Builds the addon and the emulator into native/build/<variant>.
# Usage: build.sh [release|mutants|sanitize]      (default: release)
#   release   what is shipped
#   mutants   with the TRANSSHIP_MUTANT switches, for the tests that break one rule each
#   sanitize  C++ unit tests and emulator under AddressSanitizer and UBSan; no addon, since Node itself is not sanitized
set -euo pipefail

variant="${1:-release}"
native="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
build="$native/build/$variant"

case "$variant" in
  release) options=(-DCMAKE_BUILD_TYPE=RelWithDebInfo) ;;
  mutants) options=(-DCMAKE_BUILD_TYPE=RelWithDebInfo -DTRANSSHIP_MUTANTS=ON) ;;
  sanitize)
    options=(-DCMAKE_BUILD_TYPE=Debug -DTRANSSHIP_MUTANTS=ON -DTRANSSHIP_SANITIZE=ON -DTRANSSHIP_ADDON=OFF
      -DTRANSSHIP_UNIT_TESTS=ON)
    ;;
  *)
    echo "build.sh: unknown variant '$variant' (release, mutants or sanitize)" >&2
    exit 2
    ;;
esac

# Two builds of one tree at the same time would spoil each other; the later one waits and then finds little to do.
mkdir -p "$build"
exec {lock}>"$build/.lock"
flock --timeout 1800 "$lock"

generator=()
if [[ ! -f "$build/CMakeCache.txt" ]] && command -v ninja >/dev/null; then
  generator=(-G Ninja)
fi

# Configuring again costs a fraction of a second and takes up new folders and changed options.
cmake -S "$native" -B "$build" "${generator[@]}" "${options[@]}" -Wno-dev --log-level=WARNING
cmake --build "$build" --parallel 2
