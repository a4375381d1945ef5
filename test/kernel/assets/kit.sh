#!/usr/bin/env bash
# kit.sh VERSION FOLDER: unpacks of Debian's kernel packages what building modules and booting takes. Nothing is
# installed. The folder gets
#
#   bzImage, modules/      the kernel and the modules it ships
#   usr/src, usr/lib       headers and build tools
#   source/                the parts of the kernel's source that are built here
#   digest                 of the packages
set -euo pipefail

# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
version=$1 kit=$2
packages=(
  "linux-image-$version-amd64"
  "linux-headers-$version-amd64"
  "linux-headers-$version-common"
  "linux-kbuild-$version"
)
# The source package is named by its series and carries the newest version; an older kernel takes the source of its own.
package_version=$(apt-cache show "linux-image-$version-amd64" | sed -n 's/^Version: //p' | head -n 1)
series=$(sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<<"$version")

cd "$kit"
mkdir debs
chmod 755 .
(
  cd debs
  say "downloading ${packages[*]} linux-source-$series=$package_version (about 280 MB)"
  download "${packages[@]}" "linux-source-$series=$package_version"
  sha256sum ./*.deb >../digest
)
for package in "${packages[@]}"; do
  dpkg-deb -x debs/"$package"_*.deb .
done

mv "boot/vmlinuz-$version-amd64" bzImage
mkdir modules
mv "lib/modules/$version-amd64/kernel" modules/kernel
rm -rf boot lib

mkdir source
dpkg-deb --fsys-tarfile debs/linux-source-*.deb |
  tar -xO "./usr/src/linux-source-$series.tar.xz" |
  xz -dc -T2 |
  tar -x -C source --strip-components=1 --wildcards \
    '*/drivers/vfio/*' '*/drivers/iommu/*' '*/samples/vfio-mdev/*' '*/lib/interval_tree.c'
rm -rf debs

# Debian's headers name each other by the place they are installed at.
headers=usr/src/linux-headers-$version-amd64
# shellcheck disable=SC2016 # make expands it
printf '%s\n' 'include $(dir $(lastword $(MAKEFILE_LIST)))../linux-headers-'"$version"'-common/Makefile' >"$headers/Makefile"
