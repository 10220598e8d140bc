# The demo set, and what a server needs besides: for its own image (deploy/image).
{ system ? builtins.currentSystem, ... }@arguments:

let
  inherit (import ./deb.nix { inherit system; }) deb;
  demo = import ./default.nix arguments;

  # Nix reads the processor's features with it, on this architecture.
  amd64Debs = [ "libcpuid16" ];
  isAmd64 = system == "x86_64-linux";

  # As in default.nix, demo/fetch finds the names in these lists.
  packages = with demo; with packages; {
    # The one locale that programs need for names of files in UTF-8; for LOCPATH.
    localeC = deb { debs = [ "libc-bin" ]; pname = "locale-c"; prune = [ "bin" "etc" "share" ]; };
    libxml2 = deb { debs = [ "libxml2" ]; pname = "libxml2"; deps = [ glibc zlib xz icu ]; };
    icu = deb { debs = [ "libicu72" ]; pname = "icu"; deps = [ glibc libgcc ]; };
    libarchive = deb { debs = [ "libarchive13" ]; pname = "libarchive"; deps = [ glibc acl bzip2 lz4 xz nettle libxml2 icu zstd zlib ]; };
    boost = deb { debs = [ "libboost-context1.74.0" ]; pname = "boost"; deps = [ glibc libgcc ]; };
    libcpuid = deb { debs = amd64Debs; pname = "libcpuid"; deps = [ glibc ]; };
    boehmgc = deb { debs = [ "libgc1" ]; pname = "boehm-gc"; deps = [ glibc libgcc ]; };
    libseccomp = deb { debs = [ "libseccomp2" ]; pname = "libseccomp"; deps = [ glibc ]; };
    libsodium = deb { debs = [ "libsodium23" ]; pname = "libsodium"; deps = [ glibc ]; };
    nix = deb { debs = [ "nix-bin" ]; pname = "nix"; libs = "nix"; prune = [ "etc" "lib/systemd" "lib/sysusers.d" "lib/tmpfiles.d" ];
      deps = [ glibc libgcc libarchive boost brotli libbsd curlWithGnuTls boehmgc readline ncurses libseccomp libsodium sqlite openssl ]
        ++ (if isAmd64 then [ libcpuid ] else [ ]);
      fixup = ''mkdir -p "$out/libexec/nix"; ln -s ../../bin/nix "$out/libexec/nix/build-remote"''; };
    tini = deb { debs = [ "tini" ]; pname = "tini"; deps = [ glibc ]; prune = [ "bin/tini-static" ]; };
    libdeflate = deb { debs = [ "libdeflate0" ]; pname = "libdeflate"; deps = [ glibc ]; };
    openssh = deb { debs = [ "openssh-client" ]; pname = "openssh"; deps = [ glibc bash libselinux libkrb5 openssl zlib ];
      prune = [ "bin/sftp" "etc" "lib/openssh" "lib/systemd" ]; };
  };
in
demo // packages
