# What the scripts of this folder share: the cache, the programs they need, and Debian's kernel packages. To be sourced.

cache=${TRANSSHIP_CACHE:-${XDG_CACHE_HOME:-${HOME:?set TRANSSHIP_CACHE or HOME}/.cache}/transship}/kernel
limit=${TRANSSHIP_BUILD_SECONDS:-1800}

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# Programs, and the Debian package that brings each. The kernel's modules want the compiler that built the kernel.
programs=(
  'qemu-system-x86_64 qemu-system-x86'
  'busybox            busybox-static'
  'gcc-12             gcc-12'
  'make               make'
  'xz                 xz-utils'
  'strip              binutils'
)

# Package names of the programs that are missing, and of the library that the kernel's build tools load.
missing_packages() {
  local entry program package
  for entry in "${programs[@]}"; do
    read -r program package <<<"$entry"
    command -v "$program" >/dev/null || echo "$package"
  done
  [[ -e /usr/lib/x86_64-linux-gnu/libelf.so.1 ]] || echo libelf1
}

# Installs what is missing, by name and announced; where that is not allowed, says what a person has to install.
require_programs() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    die "missing: ${missing[*]}. Install them (Debian: sudo apt-get install ${missing[*]}), then try again"
  fi
  say "installing ${missing[*]} with apt-get"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# The versioned name behind a meta package, which changes with every security update; empty when apt has no lists.
newest_image() {
  apt-cache depends linux-image-6.12-amd64 2>/dev/null |
    sed -nE 's/^ *Depends: linux-image-([0-9].*)-amd64$/\1/p' | head -n 1
}

# Kernel version such as 6.12.117+deb12.
kernel_version() {
  local version=${TRANSSHIP_KERNEL:-}
  [[ -n $version ]] || version=$(newest_image)
  if [[ -z $version && $(id -u) -eq 0 ]]; then
    say "apt knows no linux-image-6.12-amd64: running apt-get update"
    apt-get update -qq >&2
    version=$(newest_image)
  fi
  [[ -n $version ]] || die "apt knows no linux-image-6.12-amd64: it is in the security suite of Debian 12"
  echo "$version"
}

# Downloads packages into the current folder. Security updates remove old versions, so old lists are renewed once.
download() {
  apt-get -o APT::Sandbox::User=root download -qq "$@" && return
  say "downloading failed with the package lists of this machine: running apt-get update"
  apt-get update -qq
  apt-get -o APT::Sandbox::User=root download -qq "$@"
}

# First characters of a digest over the names and contents of files and folders.
digest_of() {
  local digest
  digest=$(find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sed "s#$(dirname "${BASH_SOURCE[0]}")/##" | sha256sum)
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
