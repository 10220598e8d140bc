# shellcheck shell=dash disable=SC2154,SC3045 # variables come from deb.nix; the shell is busybox
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
# shellcheck disable=SC2086 # a list
(cd "$out" && rm -rf share/applications share/apport share/bash-completion share/bug share/doc \
  share/doc-base share/icons share/info share/initramfs-tools share/lintian share/locale share/man \
  share/menu share/pixmaps etc/default etc/init.d $prune)

# Links into Debian's layout lead into this package, or go: what they lead to is another package's.
# (Without a sandbox the machine's own files are there, and must make no difference.)
find "$out" -type l | while read -r link; do
  target=$(readlink "$link")
  case $target in
    /bin/* | /sbin/* | /usr/bin/* | /usr/sbin/*) ln -sfn "$out/bin/${target##*/}" "$link" ;;
    /lib/* | /usr/lib/*) ln -sfn "$out/lib/${target##*/}" "$link" ;;
    /*) rm "$link" ;;
  esac
done
find "$out" -type l | while read -r link; do
  target=$(readlink -f "$link" || :)
  case $target in "$out"/*) [ -e "$target" ] || rm "$link" ;; *) rm "$link" ;; esac
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
  needed=$(patchelf --print-needed --set-rpath "$rpath" --set-interpreter "$interpreter" "$1" 2>&1) ||
    # no program, but a library
    needed=$(patchelf --print-needed --set-rpath "$rpath" "$1")
  for library in $needed; do
    has_library "$library" || {
      echo "${1#"$out"/} needs $library, which no dependency has"
      exit 1
    }
  done
  patchelf --shrink-rpath "$1"
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
  echo "no ${1#"$out"/}, which wants ${line#??}"
  rm "$1"
}

elf=$(printf '\177ELF')
find "$out" -type f \( -perm -100 -o -name '*.so*' \) | while read -r file; do
  # The C library is what everything else is tied to, and must stay as it is.
  case $interpreter:$file in "$out"/*:"$out"/lib/*) continue ;; esac
  IFS='' read -r -n 4 start <"$file" || :
  case $start in
    "$elf") tie_elf "$file" ;;
    '#!'*) tie_script "$file" ;;
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
