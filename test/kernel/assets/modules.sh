#!/usr/bin/env bash
# modules.sh VERSION KIT FOLDER: builds the two sets of VFIO modules into FOLDER/group and FOLDER/cdev.
#
# A set is always loaded as a whole: with iommufd, the structures of VFIO have other layouts than Debian's.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$1 kit=$2 out=$3
headers=$kit/usr/src/linux-headers-$version-amd64
source=$kit/source
own=$here/../module
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Builds the folder $1. Type information is not made: it would take pahole, and nothing here reads it.
build() {
  nice make -s -j"${TRANSSHIP_BUILD_JOBS:-2}" -C "$headers" M="$1" CONFIG_DEBUG_INFO_BTF_MODULES= modules
}

# Adds mtty, the kernel's sample device with migration, and the project's own to a set, and takes the results.
build_set() {
  local set=$1 tree=$work/$1 module
  cp "$source/samples/vfio-mdev/mtty.c" "$tree/"
  cp -r "$own" "$tree/own"
  echo 'obj-m += own/' >>"$tree/Kbuild"
  build "$tree"
  mkdir "$out/$set"
  find "$tree" -name '*.ko' -print0 | while IFS= read -r -d '' module; do
    strip -g -o "$out/$set/$(basename "$module")" "$module"
  done
}

# Takes module $2 of those that Debian ships into set $1.
take_shipped() {
  local module=$kit/modules/kernel/$2.ko
  if [[ -e $module.xz ]]; then
    xz -dc "$module.xz" >"$out/$1/$(basename "$module")"
  else
    cp "$module" "$out/$1/"
  fi
}

mkdir "$work/group"
echo 'obj-m += mtty.o' >"$work/group/Kbuild"
build_set group
for name in vfio vfio_iommu_type1 mdev/mdev pci/vfio-pci-core pci/vfio-pci; do
  take_shipped group "drivers/vfio/$name"
done
take_shipped group virt/lib/irqbypass

cp -r "$here/cdev" "$work/cdev"
cp "$source"/drivers/iommu/*.h "$work/cdev/iommu/"
cp "$source"/drivers/iommu/iommufd/*.[ch] "$work/cdev/iommu/iommufd/"
cp "$source"/drivers/vfio/*.[ch] "$work/cdev/vfio/"
cp "$source"/drivers/vfio/mdev/*.[ch] "$work/cdev/vfio/mdev/"
cp "$source"/drivers/vfio/pci/*.[ch] "$work/cdev/vfio/pci/"
# Debian's kernel has the first half of this file, without the part that only iommufd uses.
{
  printf '#include <linux/%s.h>\n' export interval_tree
  sed -n '/^#ifdef CONFIG_INTERVAL_TREE_SPAN_ITER/,$p' "$source/lib/interval_tree.c"
} >"$work/cdev/iommu/iommufd/interval_tree_span.c"
build_set cdev
take_shipped cdev virt/lib/irqbypass
