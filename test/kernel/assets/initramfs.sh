#!/usr/bin/env bash
# initramfs.sh VERSION KIT FILE: busybox, the guest's init, and what it loads before it has the host's files.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kit=$2 file=$3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# In the order of loading: the host's files over 9p, and the network.
modules=(
  fs/netfs/netfs
  net/9p/9pnet
  net/9p/9pnet_virtio
  fs/9p/9p
  net/core/failover
  drivers/net/net_failover
  drivers/net/virtio_net
)

mkdir -p "$root"/{bin,dev,proc,sys,host,modules}
cp "$(command -v busybox)" "$root/bin/busybox"
install -m 755 "$here/../guest/init" "$root/init"
for module in "${modules[@]}"; do
  stem=$kit/modules/kernel/$module.ko
  name=$(basename "$stem")
  if [[ -e $stem.xz ]]; then xz -dc "$stem.xz" >"$root/modules/$name"; else cp "$stem" "$root/modules/$name"; fi
  echo "$name" >>"$root/modules/order"
done
(cd "$root" && find . | sort | busybox cpio -o -H newc 2>/dev/null | gzip -n) >"$file"
