# What the server's own image is made of: a package set for `nixery build`, run by deploy/image.
#
#   IMAGE_PACKAGES   the package set to take Nix, git and the rest from, such as a checkout of nixpkgs;
#                    else the demo set
#   IMAGE_RUNTIME    the linked runtime; else that of the build
{ system ? builtins.currentSystem, ... }:

let
  inherit (builtins) concatLists concatStringsSep elemAt getEnv genList length path;

  orElse = name: default: let value = getEnv name; in if value == "" then default else /. + value;
  packages = import (orElse "IMAGE_PACKAGES" ../demo/server.nix) { inherit system; };

  runtime = path {
    name = "nixery-runtime";
    path = orElse "IMAGE_RUNTIME" ../nixery.runtime/target/nixery;
  };
  loader = {
    x86_64-linux = "ld-linux-x86-64.so.2";
    aarch64-linux = "ld-linux-aarch64.so.1";
  }.${system};
  # The JVM asks for the dynamic linker by the path that it has everywhere but in Nix.
  loaderFolder = if system == "x86_64-linux" then "lib64" else "lib";

  bash = packages.bash;
  coreutils = packages.coreutils;
  glibc = packages.glibc.out or packages.glibc;
  locale = packages.localeC or glibc;
  git = packages.gitMinimal or packages.git;
  libdeflate = packages.libdeflate.out or packages.libdeflate;
  zstd = packages.zstd.out or packages.zstd;

  run = name: script: attributes: derivation ({
    inherit name;
    system = builtins.currentSystem;
    builder = "${bash}/bin/sh";
    PATH = "${coreutils}/bin";
    args = [ "-euc" script ];
  } // attributes);

  # Tells Nix what the image brings along. Run as an init container, it copies that into a volume
  # which is then mounted at /nix.
  store = ''
    #!${bash}/bin/sh
    # nixery-store FOLDER: puts the image's Nix store under FOLDER/nix, which lies on a volume; with
    # FOLDER /, registers it where it is.
    set -eu
    PATH=${coreutils}/bin:${packages.nix}/bin
    root=''${1%/}
    unset NIX_REMOTE
    [ -z "$root" ] || { mkdir -p "$root/nix/store" "$root/layers"; export NIX_REMOTE="$root"; }
    mkdir -p "$root/nix/var/nix/gcroots"
    for half in "$root"/nix/store/*.copying; do
      [ ! -e "$half" ] || { chmod -R u+w "$half"; rm -rf "$half"; }
    done
    roots=$root/nix/var/nix/gcroots/nixery
    rm -rf "$roots"
    mkdir "$roots"
    while read -r path; do
      if [ ! -e "$root$path" ]; then
        cp -R -P --preserve=mode,timestamps,links "$path" "$root$path.copying"
        if [ "$path" = ${placeholder "out"} ]; then
          # What is mounted over /etc/passwd and /etc/group lies over these two.
          for file in passwd group; do
            chmod u+w "$root$path.copying/etc/$file"
            cp --preserve=mode,timestamps "$path/share/nixery/$file" "$root$path.copying/etc/$file"
          done
        fi
        mv -T "$root$path.copying" "$root$path"
      fi
      ln -s "$path" "$roots/''${path##*/}"
    done </etc/nixery/paths
    nix-store --load-db </etc/nixery/registration
  '';

  start = ''
    #!${bash}/bin/sh
    # Starts the server. What the image brings is registered at the first start.
    set -eu
    [ -e /nix/var/nix/db/db.sqlite ] || /bin/nixery-store /
    case ''${NIXERY_COMPRESSION:-gzip} in
      gzip) library=${libdeflate}/lib/libdeflate.so.0 ;;
      zstd) library=${zstd}/lib/libzstd.so.1 ;;
      *) library= ;;
    esac
    export NIXERY_COMPRESSION_LIBRARY="''${NIXERY_COMPRESSION_LIBRARY:-$library}"
    # Builds without a sandbox leave processes behind, which nobody else would wait for.
    exec ${packages.tini}/bin/tini -s -- ${runtime}/bin/nixery "$@"
  '';

  server = run "nixery-server" ''
    mkdir -p "$out/bin" "$out/etc" "$out/share/nixery" "$out/${loaderFolder}" "$out/home/nixery"
    ln -s ${runtime}/bin/nixery "$out/bin/nixery"
    printf %s "$start" >"$out/bin/nixery-start"
    printf %s "$store" >"$out/bin/nixery-store"
    chmod 555 "$out/bin/nixery-start" "$out/bin/nixery-store"
    ln -s ${glibc}/lib/${loader} "$out/${loaderFolder}/${loader}"
    printf '%s\n' root:x:0:0::/root:/bin/sh nixery:x:1000:1000::/home/nixery:/bin/sh nobody:x:65534:65534::/:/bin/false >"$out/etc/passwd"
    printf '%s\n' root:x:0: nixery:x:1000: nobody:x:65534: >"$out/etc/group"
    cp "$out/etc/passwd" "$out/etc/group" "$out/share/nixery"
  '' { inherit start store; };

  contents = [ server glibc locale bash coreutils git packages.nix packages.openssh packages.cacert packages.iana-etc ];

  installed = map toString contents;
  graph = i: "graph${toString i}";

  # As `nix-store --dump-db` would have it, if it knew the builder's store.
  registration = run "nixery-registration" ''
    export HOME="$PWD"
    mkdir -p "$out/etc/nixery"
    : >"$out/etc/nixery/paths"
    for graph in ${concatStringsSep " " (genList graph (length installed))}; do
      while read -r path; do
        read -r deriver
        read -r count
        references=
        for i in $(seq "$count"); do
          read -r reference
          references="$references$reference
    "
        done
        name=''${path##*/}
        [ ! -e "$name.known" ] || continue
        : >"$name.known"
        echo "$path" >>"$out/etc/nixery/paths"
        hash=$(nix-hash --type sha256 "$path")
        size=$(nix-store --dump "$path" | wc -c)
        printf '%s\n%s\n%s\n\n%s\n%s' "$path" "$hash" "$size" "$count" "$references" >>"$out/etc/nixery/registration"
      done <$graph
    done
  '' {
    PATH = "${coreutils}/bin:${packages.nix}/bin";
    exportReferencesGraph = concatLists (genList (i: [ (graph i) (elemAt installed i) ]) (length installed));
  };
in
{
  inherit server registration glibc locale bash coreutils git;
  inherit (packages) nix openssh cacert iana-etc;
}
