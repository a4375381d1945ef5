#!/usr/bin/env bash
# Builds the programs of the cluster rig from their Go modules and prints the folder that holds them.
#
#   assets.sh [TARGET...]     TARGET: kube-apiserver etcd kubectl helm kube-controller-manager kube-scheduler
#
# Without a target: kube-apiserver, etcd, kubectl and helm. What the cache already holds is not built
# again, and needs no Go. Standard output is one line, the folder; everything else goes to standard error.
#
# Environment
#   KUBEBUILDER_ASSETS    folder with kube-apiserver, etcd and kubectl to use instead (envtest's convention);
#                         other targets are taken from it when it has them, and built when it has not
#   TRANSSHIP_CACHE       cache folder, default ${XDG_CACHE_HOME:-$HOME/.cache}/transship
#   TRANSSHIP_BUILD_JOBS  packages compiled at a time, default 2
#   TRANSSHIP_BUILD_SECONDS  limit for one program's build and for waiting on another build, default 5400
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TRANSSHIP_CACHE:-${XDG_CACHE_HOME:-${HOME:?set TRANSSHIP_CACHE or HOME}/.cache}/transship}/cluster
jobs=${TRANSSHIP_BUILD_JOBS:-2}
limit=${TRANSSHIP_BUILD_SECONDS:-5400}

say() { printf 'assets.sh: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# The folder under modules/ that pins TARGET.
module_of() {
  case $1 in
    kube-apiserver | kubectl | kube-controller-manager | kube-scheduler) echo kubernetes ;;
    etcd | helm) echo "$1" ;;
    *) die "no such target: $1 (kube-apiserver, etcd, kubectl, helm, kube-controller-manager or kube-scheduler)" ;;
  esac
}

# The version of Go module $2 that the go.mod of module folder $1 requires.
pinned() {
  awk -v path="$2" '$1 == path && $2 ~ /^v/ { print $2; exit } $1 == "require" && $2 == path { print $3; exit }' \
    "$here/modules/$1/go.mod"
}

version_of() {
  case $1 in
    kubernetes) pinned kubernetes k8s.io/kubernetes ;;
    etcd) pinned etcd go.etcd.io/etcd/server/v3 ;;
    helm) pinned helm helm.sh/helm/v4 ;;
  esac
}

package_of() {
  case $1 in
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    helm) echo helm.sh/helm/v4/cmd/helm ;;
    *) echo "k8s.io/kubernetes/cmd/$1" ;;
  esac
}

# Linker flags: no symbol tables, and the version that the program reports of itself. Without the latter
# kube-apiserver calls itself v0.0.0 and refuses its own default feature emulation version.
ldflags_of() {
  local version=$2 flags='-s -w' package minor
  case $1 in
    kubernetes)
      minor=${version#v*.}
      for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
      done
      ;;
    helm) flags+=" -X helm.sh/helm/v4/internal/version.version=$version" ;;
  esac
  echo "$flags"
}

# Cache folder of one module: a change of any pin, of the flags or of the platform is another folder.
store_of() {
  local version digest
  version=$(version_of "$1")
  digest=$({ cat "$here/modules/$1/go.mod" "$here/modules/$1/go.sum" && ldflags_of "$1" "$version"; } | sha256sum)
  echo "$cache/$1-$version-$(uname -s -m | tr ' A-Z' '-a-z')-${digest:0:12}"
}

need_go() {
  local wants has
  wants=$(awk '$1 == "go" { print $2; exit }' "$here/modules/$1/go.mod")
  command -v go >/dev/null || die "go is not on PATH; install Go $wants or newer, or set KUBEBUILDER_ASSETS"
  # Asked inside the module, so that a Go that may fetch newer toolchains answers with the one it would use.
  has=$(cd "$here/modules/$1" && GOWORK=off timeout 300 go env GOVERSION) || die "go env GOVERSION failed"
  has=${has#go}
  [[ $(printf '%s\n%s\n' "$wants" "$has" | sort -V | head -n 1) == "$wants" ]] ||
    die "Go $has is too old for $1 $(version_of "$1"); install Go $wants or newer, or set KUBEBUILDER_ASSETS"
}

# Builds TARGET into its store unless it is there. The lock makes a second run wait for the first one;
# the rename makes a program appear whole or not at all.
build() {
  local target=$1 module store version part started
  module=$(module_of "$target")
  store=$(store_of "$module")
  [[ -x $store/$target ]] && return
  version=$(version_of "$module")
  need_go "$module"
  mkdir -p "$store"
  (
    flock -w "$limit" 9 || die "another build held $store/.lock for $limit s"
    [[ -x $store/$target ]] && exit 0
    rm -f "$store"/*.part
    # A build that outlived its killed script may still write, so no two builds share a name.
    part=$store/$target.$$.part
    started=$SECONDS
    say "building $target $version (several minutes on a cold Go cache)"
    # The lock is not passed on: a process that go leaves behind must not keep it.
    cd "$here/modules/$module"
    CGO_ENABLED=0 GOWORK=off timeout --foreground -k 10 "$limit" go build -p "$jobs" -mod=readonly \
      -buildvcs=false -trimpath -ldflags "$(ldflags_of "$module" "$version")" \
      -o "$part" "$(package_of "$target")" >&2 9>&- ||
      die "building $target $version failed"
    mv -f "$part" "$store/$target"
    say "built $target $version in $((SECONDS - started)) s"
  ) 9>"$store/.lock"
}

# Path of TARGET: in KUBEBUILDER_ASSETS if it is there, else in the cache.
locate() {
  if [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/$1 ]]; then
    echo "$(cd "$KUBEBUILDER_ASSETS" && pwd)/$1"
    return
  fi
  case $1 in
    kube-apiserver | etcd | kubectl)
      [[ -z ${KUBEBUILDER_ASSETS:-} ]] || die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no executable $1"
      ;;
  esac
  echo "$(store_of "$(module_of "$1")")/$1"
}

targets=("$@")
((${#targets[@]})) || targets=(kube-apiserver etcd kubectl helm)

paths=()
for target in "${targets[@]}"; do
  module_of "$target" >/dev/null
  path=$(locate "$target")
  paths+=("$path")
  [[ -x $path ]] || build "$target"
done

# One folder of links for exactly this set, named by what it points at and replaced whole.
digest=$(printf '%s\n' "${paths[@]}" | sha256sum)
bin=$cache/$(version_of kubernetes)-${digest:0:12}/bin
if [[ ! -d $bin ]]; then
  mkdir -p "$cache"
  staging=$(mktemp -d "$cache/.links.XXXXXX")
  mkdir "$staging/bin"
  ln -s "${paths[@]}" "$staging/bin/"
  # mv -T onto a folder that another run has just made fails, and that folder is the same.
  mv -T "$staging" "$(dirname "$bin")" 2>/dev/null || rm -rf "$staging"
fi
[[ -d $bin ]] || die "could not make $bin"
echo "$bin"
