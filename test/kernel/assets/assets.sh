#!/usr/bin/env bash
# Makes what a test guest boots from and prints the folder that holds it:
#
#   bzImage          Debian's own kernel, unmodified
#   initramfs.gz     busybox and the modules that reach the host's files and network
#   version          of the kernel, as `uname -r` says it
#   group/*.ko       Debian's own VFIO modules, and mtty and the project's mdev module built against them
#   cdev/*.ko        the same with VFIO and iommufd rebuilt, so that devices have character devices too
#
# What the cache already holds is not built again. Standard output is one line, the folder; everything else goes to
# standard error. Missing programs and Debian's kernel packages are installed or downloaded with apt-get by name.
#
# Environment
#   TRANSSHIP_CACHE           cache folder, default ${XDG_CACHE_HOME:-$HOME/.cache}/transship
#   TRANSSHIP_KERNEL          kernel to use, such as 6.12.117+deb12; default: what linux-image-6.12-amd64 depends on
#   TRANSSHIP_BUILD_JOBS      files compiled at a time, default 2
#   TRANSSHIP_BUILD_SECONDS   limit for one step and for waiting on another build, default 1800
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TRANSSHIP_CACHE:-${XDG_CACHE_HOME:-${HOME:?set TRANSSHIP_CACHE or HOME}/.cache}/transship}/kernel
limit=${TRANSSHIP_BUILD_SECONDS:-1800}
module=$here/../module
# shellcheck source=packages.sh
source "$here/packages.sh"

# First characters of a digest over the names and contents of files and folders.
digest_of() {
  local digest
  digest=$(find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sed "s#$here/##" | sha256sum)
  echo "${digest:0:12}"
}

# Runs "$@ FOLDER" in a folder beside $1 and renames that to $1, unless $1 is there. The lock makes a second run wait
# for the first; the rename makes a result appear whole or not at all.
make_once() {
  local result=$1 part started
  shift
  [[ -d $result ]] && return
  mkdir -p "$cache"
  (
    flock -w "$limit" 9 || die "another build held $cache/.lock for $limit s"
    [[ -d $result ]] && exit 0
    part=$(mktemp -d "$cache/.part.XXXXXX")
    trap 'rm -rf "$part"' EXIT
    started=$SECONDS
    say "making $(basename "$result")"
    # The lock is not passed on: a process that a build leaves behind must not keep it.
    timeout --foreground -k 10 "$limit" "$@" "$part" >&2 9>&- || die "making $(basename "$result") failed"
    mv -T "$part" "$result"
    say "made $(basename "$result") in $((SECONDS - started)) s"
  ) 9>"$cache/.lock"
}

require_programs
version=$(kernel_version)
kit=$cache/kit-$version-$(digest_of "$here/kit.sh" "$here/packages.sh")
make_once "$kit" "$here/kit.sh" "$version"
sources=("$here/assets.sh" "$here/make-assets.sh" "$here/modules.sh" "$here/initramfs.sh" "$here/cdev" "$here/../guest/init")
[[ ! -d $module ]] || sources+=("$module")
assets=$cache/assets-$version-$(digest_of "${sources[@]}" "$kit/digest")
make_once "$assets" "$here/make-assets.sh" "$version" "$kit"
echo "$assets"
