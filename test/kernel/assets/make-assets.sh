#!/usr/bin/env bash
# make-assets.sh VERSION KIT FOLDER: fills the folder that assets.sh prints.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$1 kit=$2 out=$3
cp "$kit/bzImage" "$out/bzImage"
echo "$version-amd64" >"$out/version"
"$here/initramfs.sh" "$version" "$kit" "$out/initramfs.gz"
"$here/modules.sh" "$version" "$kit" "$out"
# Static, so that it needs nothing of the machine it runs on.
make -s -C "$here/../module/check" OUT="$out/transship-mdev-check" CFLAGS='-O1 -static'
chmod 755 "$out"
