#!/usr/bin/env bash
# Builds the example workload, which drives a device in a guest, and prints the path of the program. What the cache
# already holds is not built again. Environment: as for assets.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
source "$here/common.sh"
root=$here/../../..
example=$root/examples/workload

# Builds it into the folder $1, without what only the compiler needs.
build() {
  "$example/build.sh" "$1" && rm -rf "$1/build"
}
export example
export -f build

# Not the workload for Node beside it, which needs no building.
sources=("$example/CMakeLists.txt" "$example/build.sh" "$example"/*.cc "$example"/*.hh)
program=$cache/workload-$(digest_of "${sources[@]}" "$root/node-agent/proto/transship/workload")
make_once "$program" bash -c 'build "$1"' build
echo "$program/example-workload"
