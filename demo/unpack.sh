# shellcheck shell=dash disable=SC2154 # the variables are the derivation's (see deb.nix)
# Run by busybox in a Nix builder: unpacks $debs into $out, with every program and library tied to
# the store paths of $deps. Fails where something needs a library that no dependency has.

root=$PWD/root
mkdir -p "$root" "$out"
for deb in $debs; do dpkg-deb -x "$deb" "$root"; done

# Debian's folders become one prefix. (tar, since cp would make copies of hard links.)
merge() {
  [ -d "$root/$1" ] && [ ! -L "$root/$1" ] || return 0
  mkdir -p "$out/$2"
  (cd "$root/$1" && tar -cf - .) | (cd "$out/$2" && tar -xf -)
  rm -rf "${root:?}/$1"
}
[ ! -L "$root/lib/$loader" ] || rm "$root/lib/$loader" # it would take the place of the real one
for dir in "lib/$multiarch" "usr/lib/$multiarch" lib usr/lib; do merge "$dir" lib; done
for dir in bin sbin usr/bin usr/sbin usr/games; do merge "$dir" bin; done
merge usr/share share
merge etc etc
for path in share/applications share/apport share/bash-completion share/bug share/doc share/doc-base \
  share/icons share/info share/initramfs-tools share/lintian share/locale share/man share/menu \
  share/pixmaps etc/default etc/init.d $prune; do
  rm -rf "${out:?}/$path"
done

# Links into Debian's layout; what leads nowhere then is part of another package, and goes.
find "$out" -type l | while read -r link; do
  target=$(readlink "$link")
  case $target in
    /bin/* | /sbin/* | /usr/bin/* | /usr/sbin/*) ln -sfn "$out/bin/${target##*/}" "$link" ;;
    /lib/* | /usr/lib/*) ln -sfn "$out/lib/${target##*/}" "$link" ;;
  esac
  [ -e "$link" ] || { echo "no ${link#"$out"/} -> $target"; rm "$link"; }
done

shell='' interpreter=$out/lib/$loader rpath=
for path in $deps $out; do
  [ ! -x "$path/bin/bash" ] || shell=$path/bin/bash
  [ ! -e "$path/lib/$loader" ] || interpreter=$path/lib/$loader
  [ ! -d "$path/lib" ] || rpath=${rpath:+$rpath:}$path/lib
done

has_library() {
  for path in $deps $out; do
    [ ! -e "$path/lib/$1" ] || return 0
  done
  return 1
}

tie_elf() {
  chmod u+w "$1"
  if patchelf --print-interpreter "$1" >/dev/null 2>&1; then
    patchelf --set-interpreter "$interpreter" --set-rpath "$rpath" "$1"
  elif patchelf --print-rpath "$1" >/dev/null 2>&1; then
    patchelf --set-rpath "$rpath" "$1"
  else
    return 0 # statically linked
  fi
  patchelf --shrink-rpath "$1"
  for library in $(patchelf --print-needed "$1"); do
    has_library "$library" || {
      echo "${1#"$out"/} needs $library, which no dependency has"
      exit 1
    }
  done
}

tie_script() {
  read -r line <"$1"
  case $line in
    '#!'*/sh* | '#!'*/bash* | '#!'*/env\ bash*) [ -z "$shell" ] || {
      chmod u+w "$1"
      sed -i "1s|^#! *\(/usr/bin/env bash\|/[^ ]*\)|#!$shell|" "$1"
      return 0
    } ;;
  esac
  [ ! -x "$1" ] || { echo "no ${1#"$out"/}, which wants ${line#??}"; rm "$1"; }
}

find "$out" -type f | while read -r file; do
  case $(head -c 4 "$file" | od -An -tx1 | tr -d ' \n') in
    # The C library is what everything else is tied to, and must stay as it is.
    7f454c46) [ "$interpreter" = "$out/lib/$loader" ] || tie_elf "$file" ;;
    2321*) tie_script "$file" ;;
  esac
done

# wrap PROGRAM SETTING...: PROGRAM becomes a script that sets environment variables first.
wrap() {
  program=$out/bin/$1
  shift
  hidden=${program%/*}/.${program##*/}-wrapped
  mv "$program" "$hidden"
  {
    echo "#!$shell"
    echo "export $*"
    echo "exec -a \"\$0\" $hidden \"\$@\""
  } >"$program"
  chmod 755 "$program"
}
eval "$fixup"

case " $outputs " in *" bin "*)
  mkdir -p "$bin"
  mv "$out/bin" "$bin/bin"
  ;;
esac
for output in $outputs; do
  eval "find \"\$$output\" ! -type l -exec chmod u+rw,go-w,a+rX,ug-s {} +" # Nix refuses other modes
done
