#!/bin/sh
# get-nix.sh SUITE PREFIX
#
# Unpacks the Nix of another Debian suite (trixie, sid) into PREFIX, so that several versions can
# be tried beside the installed one: PREFIX/cmd/nix-store and so on. Nothing else on the machine
# changes: apt works in a folder of its own, and no maintainer script runs.
#
# Does nothing where PREFIX works already. Everything is prepared beside PREFIX and renamed, so
# PREFIX is never half made, and several processes may run this at the same time.
set -eu
# shellcheck source=/dev/null
. "$(dirname "$0")/common.sh"
[ $# = 2 ] || die "usage: get-nix.sh SUITE PREFIX"
suite=$1
mkdir -p "$(dirname "$2")"
prefix=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")

works() { "$prefix/cmd/nix-store" --version 2>/dev/null; }
if works; then exit 0; fi
command -v patchelf >/dev/null || die "patchelf is missing: install the package patchelf"

tmp=$(mktemp -d "$prefix.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

say "fetching the Nix of Debian $suite"
private_apt "$tmp/apt" "$suite" "$(dpkg --print-architecture)"
export APT_CONFIG="$tmp/apt/apt.conf"
apt-get -qq update >&2
apt-get -qq -y --download-only install nix-bin git- >&2 # git only serves fetchGit

root=$tmp/new/root
mkdir -p "$root"
for deb in "$tmp"/apt/cache/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink \
    --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale
done

# Nix runs with the libraries of its suite, which only DT_RPATH (not DT_RUNPATH) also hands on to
# the libraries' own needs. A wrapper would not do: Nix calls itself by /proc/self/exe.
multiarch=$(uname -m)-linux-gnu
loader=$(cd "$root" && find . -name 'ld-linux*.so.*' | head -n 1)
[ -n "$loader" ] || die "the packages of $suite have no dynamic loader"
libs=
for dir in "lib/$multiarch" "usr/lib/$multiarch" usr/lib/nix "usr/lib/$multiarch/nix"; do
  libs=$libs${libs:+:}$prefix/root/$dir
done
patchelf --set-interpreter "$prefix/root/${loader#./}" --force-rpath --set-rpath "$libs" \
  "$root/usr/bin/nix"
mkdir "$tmp/new/cmd"
cp "$root/usr/bin/nix" "$tmp/new/cmd/nix"
for command in nix-build nix-collect-garbage nix-daemon nix-env nix-hash nix-instantiate \
  nix-shell nix-store; do
  ln -s nix "$tmp/new/cmd/$command"
done

# What stands at PREFIX does not work, unless another process has just finished: then keep that.
if ! works >/dev/null; then
  [ ! -e "$prefix" ] || mv "$prefix" "$tmp/old"
  mv -T "$tmp/new" "$prefix" || works >/dev/null
fi
works || die "the unpacked Nix does not run: $prefix/cmd/nix-store --version"
