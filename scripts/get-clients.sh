#!/bin/sh
# get-clients.sh PREFIX
#
# Unpacks container clients into PREFIX/bin that Debian's stable suite has not, or only in older
# versions: crane, oras, and Docker with its daemon, all from sid. Nothing else on the machine
# changes. Does nothing where they are there already.
set -eu
# shellcheck source=/dev/null
. "$(dirname "$0")/common.sh"
[ $# = 1 ] || die "usage: get-clients.sh PREFIX"
mkdir -p "$(dirname "$1")"
prefix=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

works() { "$prefix/bin/oras" version && "$prefix/bin/crane" --help && "$prefix/bin/dockerd" --version; }
if works >/dev/null 2>&1; then exit 0; fi

tmp=$(mktemp -d "$prefix.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

say "fetching crane, oras and Docker of Debian sid"
private_apt "$tmp/apt" sid "$(dpkg --print-architecture)"
export APT_CONFIG="$tmp/apt/apt.conf"
apt-get -qq update >&2
(cd "$tmp" && apt-get -qq download crane oras docker.io docker-cli >&2)
mkdir -p "$tmp/root" "$tmp/new/bin"
for deb in "$tmp"/*.deb; do
  dpkg-deb -x "$deb" "$tmp/root"
  # What a program says of its own version is not always what it is.
  dpkg-deb -f "$deb" Package Version | sed 's/^[A-Za-z]*: //' | tr '\n' ' ' >>"$tmp/new/versions"
  echo >>"$tmp/new/versions"
done
cp "$tmp"/root/usr/bin/crane "$tmp"/root/usr/bin/oras "$tmp"/root/usr/bin/docker \
  "$tmp"/root/usr/sbin/dockerd "$tmp/new/bin"
rm -rf "$prefix"
mv -T "$tmp/new" "$prefix" || works >/dev/null
works >/dev/null || die "the unpacked clients do not run: $prefix/bin"
