#!/usr/bin/env bash
# Makes what a test guest boots from and prints the folder that holds it:
#
#   bzImage          Debian's own kernel, unmodified
#   initramfs.gz     busybox and the modules that reach the host's files and network
#   version          of the kernel, as `uname -r` says it
#   group/*.ko       Debian's own VFIO modules, and mtty and the project's mdev module built against them
#   cdev/*.ko        the same with VFIO and iommufd rebuilt, so that devices have character devices too
#   transship-mdev-check   proves the rules of a device (D items) on two devices of that module
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
module=$here/../module
# shellcheck source=common.sh
source "$here/common.sh"

require_programs
version=$(kernel_version)
kit=$cache/kit-$version-$(digest_of "$here/kit.sh" "$here/common.sh")
make_once "$kit" "$here/kit.sh" "$version"
sources=("$here/assets.sh" "$here/make-assets.sh" "$here/modules.sh" "$here/initramfs.sh" "$here/cdev" "$here/../guest/init" "$module")
assets=$cache/assets-$version-$(digest_of "${sources[@]}" "$kit/digest")
make_once "$assets" "$here/make-assets.sh" "$version" "$kit"
echo "$assets"
