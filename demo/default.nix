# A small package set in the shape of nixpkgs, with nixpkgs' attribute names, made of Debian's
# binaries. See README.md.
{ system ? builtins.currentSystem, ... }:

let
  inherit (import ./deb.nix { inherit system; }) deb;

  # Debian's curses looks for terminals in /usr only.
  withTerminfo = program: ''wrap ${program} "TERMINFO_DIRS=\''${TERMINFO_DIRS:-${packages.ncurses}/share/terminfo}"'';

  # demo/fetch finds the names in these lists, each of which stands on one line.
  packages = with packages; {
    glibc = deb { debs = [ "libc6" ]; pname = "glibc"; prune = [ "etc" "lib/audit" "share" ]; };
    getent = deb { debs = [ "libc-bin" ]; pname = "getent"; deps = [ glibc ]; prune = [ "etc" "lib" "share" ];
      fixup = ''find "$out/bin" -type f ! -name getent ! -name getconf ! -name iconv ! -name locale -exec rm {} +''; };
    libgcc = deb { debs = [ "libgcc-s1" "libstdc++6" ]; pname = "libgcc"; deps = [ glibc ]; prune = [ "share" ]; };
    libxcrypt = deb { debs = [ "libcrypt1" ]; pname = "libxcrypt"; deps = [ glibc ]; };

    # compression
    zlib = deb { debs = [ "zlib1g" ]; pname = "zlib"; deps = [ glibc ]; };
    bzip2 = deb { debs = [ "bzip2" "libbz2-1.0" ]; deps = [ glibc bash ]; };
    xz = deb { debs = [ "xz-utils" "liblzma5" ]; pname = "xz"; deps = [ glibc bash ]; };
    zstd = deb { debs = [ "zstd" "libzstd1" ]; deps = [ glibc bash zlib xz lz4 libgcc ]; outputs = [ "bin" "out" ]; };
    lz4 = deb { debs = [ "liblz4-1" ]; pname = "lz4"; deps = [ glibc ]; };
    brotli = deb { debs = [ "libbrotli1" ]; pname = "brotli"; deps = [ glibc ]; };
    gzip = deb { debs = [ "gzip" ]; deps = [ glibc bash ]; };
    gnutar = deb { debs = [ "tar" ]; pname = "gnutar"; deps = [ glibc acl libselinux bash ]; prune = [ "etc" ]; };
    _7zz = deb { debs = [ "7zip" ]; pname = "7zz"; deps = [ glibc libgcc ]; };

    # shells and the tools that belong with them
    ncurses = deb { debs = [ "libtinfo6" "libncursesw6" "ncurses-base" "ncurses-bin" ]; pname = "ncurses"; deps = [ glibc ];
      prune = [ "etc" ]; fixup = ''mkdir -p "$out/share"; mv "$out/lib/terminfo" "$out/share/terminfo"''; };
    readline = deb { debs = [ "libreadline8" ]; pname = "readline"; deps = [ glibc ncurses ]; };
    bash = deb { debs = [ "bash" ]; deps = [ glibc ncurses ]; prune = [ "etc" "share" ]; fixup = ''ln -sf bash "$out/bin/sh"''; };
    bashInteractive = deb { debs = [ "bash" ]; pname = "bash-interactive"; deps = [ glibc ncurses ]; prune = [ "etc" ];
      fixup = ''ln -sf bash "$out/bin/sh"''; };
    dash = deb { debs = [ "dash" ]; deps = [ glibc ]; };
    attr = deb { debs = [ "libattr1" ]; pname = "attr"; deps = [ glibc ]; prune = [ "etc" ]; };
    acl = deb { debs = [ "libacl1" ]; pname = "acl"; deps = [ glibc attr ]; };
    pcre2 = deb { debs = [ "libpcre2-8-0" ]; pname = "pcre2"; deps = [ glibc ]; };
    libselinux = deb { debs = [ "libselinux1" ]; pname = "libselinux"; deps = [ glibc pcre2 ]; };
    gmp = deb { debs = [ "libgmp10" ]; pname = "gmp"; deps = [ glibc ]; };
    mpfr = deb { debs = [ "libmpfr6" ]; pname = "mpfr"; deps = [ glibc gmp ]; };
    libsigsegv = deb { debs = [ "libsigsegv2" ]; pname = "libsigsegv"; deps = [ glibc ]; };
    coreutils = deb { debs = [ "coreutils" ]; deps = [ glibc acl attr gmp libselinux ]; };
    moreutils = deb { debs = [ "moreutils" ]; deps = [ glibc ]; }; # without the ones in Perl
    diffutils = deb { debs = [ "diffutils" ]; deps = [ glibc ]; };
    findutils = deb { debs = [ "findutils" ]; deps = [ glibc libselinux ]; };
    gawk = deb { debs = [ "gawk" ]; deps = [ glibc gmp mpfr libsigsegv readline ncurses ]; prune = [ "etc" ]; };
    gnugrep = deb { debs = [ "grep" ]; pname = "gnugrep"; deps = [ glibc pcre2 bash ]; };
    gnused = deb { debs = [ "sed" ]; pname = "gnused"; deps = [ glibc acl libselinux ]; };

    # network
    openssl = deb { debs = [ "openssl" "libssl3" ]; deps = [ glibc ]; outputs = [ "bin" "out" ]; prune = [ "etc" "lib/ssl" "share" ]; };
    libffi = deb { debs = [ "libffi8" ]; pname = "libffi"; deps = [ glibc ]; };
    libtasn1 = deb { debs = [ "libtasn1-6" ]; pname = "libtasn1"; deps = [ glibc ]; };
    libunistring = deb { debs = [ "libunistring2" ]; pname = "libunistring"; deps = [ glibc ]; };
    libidn2 = deb { debs = [ "libidn2-0" ]; pname = "libidn2"; deps = [ glibc libunistring ]; };
    nettle = deb { debs = [ "libnettle8" "libhogweed6" ]; pname = "nettle"; deps = [ glibc gmp ]; };
    p11-kit = deb { debs = [ "libp11-kit0" ]; pname = "p11-kit"; deps = [ glibc libffi ]; };
    gnutls = deb { debs = [ "libgnutls30" ]; pname = "gnutls"; deps = [ glibc gmp nettle p11-kit libtasn1 libidn2 libunistring ]; };
    nghttp2 = deb { debs = [ "libnghttp2-14" ]; pname = "nghttp2"; deps = [ glibc ]; };
    libpsl = deb { debs = [ "libpsl5" ]; pname = "libpsl"; deps = [ glibc libidn2 libunistring ]; };
    rtmpdump = deb { debs = [ "librtmp1" ]; pname = "rtmpdump"; deps = [ glibc gnutls nettle gmp zlib ]; };
    libssh2 = deb { debs = [ "libssh2-1" ]; pname = "libssh2"; deps = [ glibc openssl zlib ]; };
    libcom_err = deb { debs = [ "libcom-err2" ]; pname = "libcom_err"; deps = [ glibc ]; };
    keyutils = deb { debs = [ "libkeyutils1" ]; pname = "keyutils"; deps = [ glibc ]; };
    libkrb5 = deb { debs = [ "libkrb5-3" "libkrb5support0" "libk5crypto3" "libgssapi-krb5-2" ]; pname = "libkrb5";
      deps = [ glibc libcom_err keyutils openssl ]; };
    cyrus_sasl = deb { debs = [ "libsasl2-2" ]; pname = "cyrus-sasl"; deps = [ glibc ]; };
    openldap = deb { debs = [ "libldap-2.5-0" ]; pname = "openldap"; deps = [ glibc cyrus_sasl gnutls nettle gmp ]; };
    curl = deb { debs = [ "curl" "libcurl4" ]; outputs = [ "bin" "out" ]; prune = [ "share" ];
      deps = [ glibc zlib brotli zstd openssl nghttp2 libidn2 libpsl rtmpdump libssh2 libkrb5 openldap ]; };
    curlWithGnuTls = deb { debs = [ "libcurl3-gnutls" ]; pname = "curl-gnutls";
      deps = [ glibc zlib brotli zstd gnutls nettle nghttp2 libidn2 libpsl rtmpdump libssh2 libkrb5 openldap ]; };
    # One bundle, where nixpkgs has it, and under the name that Debian's programs look for.
    cacert = deb { debs = [ "ca-certificates" ]; pname = "nss-cacert"; prune = [ "bin" ]; fixup = ''
      find "$out/share/ca-certificates" -name '*.crt' | sort | xargs cat > bundle
      rm -rf "$out"
      mkdir -p "$out/etc/ssl/certs"
      cp bundle "$out/etc/ssl/certs/ca-bundle.crt"
      ln -s ca-bundle.crt "$out/etc/ssl/certs/ca-certificates.crt"
    ''; };
    iana-etc = deb { debs = [ "netbase" ]; pname = "iana-etc"; };

    # programs
    expat = deb { debs = [ "libexpat1" ]; pname = "expat"; deps = [ glibc ]; };
    git = deb { debs = [ "git" ]; deps = [ glibc bash zlib pcre2 curlWithGnuTls expat ];
      prune = [ "etc" "lib/cgi-bin" "share/gitweb" "share/perl5" ];
      fixup = ''
        wrap git GIT_EXEC_PATH="$out/lib/git-core" GIT_TEMPLATE_DIR="$out/share/git-core/templates"
        ln -s ${bash}/bin/sh "$out/bin/sh" # git starts its helpers with /bin/sh
      ''; };
    hello = deb { debs = [ "hello" ]; deps = [ glibc ]; };
    libnl = deb { debs = [ "libnl-3-200" "libnl-genl-3-200" ]; pname = "libnl"; deps = [ glibc ]; prune = [ "etc" ]; };
    htop = deb { debs = [ "htop" ]; deps = [ glibc bash ncurses libnl ]; fixup = withTerminfo "htop"; };
    oniguruma = deb { debs = [ "libonig5" ]; pname = "oniguruma"; deps = [ glibc ]; };
    jq = deb { debs = [ "jq" "libjq1" ]; deps = [ glibc oniguruma ]; outputs = [ "bin" "out" ]; };
    less = deb { debs = [ "less" ]; deps = [ glibc bash ncurses ]; fixup = withTerminfo "less"; };
    nano = deb { debs = [ "nano" ]; deps = [ glibc bash ncurses ]; prune = [ "etc" ]; fixup = withTerminfo "nano"; };
    sqlite = deb { debs = [ "sqlite3" "libsqlite3-0" ]; pname = "sqlite"; deps = [ glibc zlib readline ncurses ]; outputs = [ "bin" "out" ]; };
    file = deb { debs = [ "file" "libmagic1" "libmagic-mgc" ]; deps = [ glibc bash zlib bzip2 xz ]; prune = [ "etc" ];
      fixup = ''wrap file MAGIC="$out/lib/file/magic.mgc"''; };
    tzdata = deb { debs = [ "tzdata" ]; };

    # nested, in mixed case
    libmd = deb { debs = [ "libmd0" ]; pname = "libmd"; deps = [ glibc ]; };
    libbsd = deb { debs = [ "libbsd0" ]; pname = "libbsd"; deps = [ glibc libmd ]; };
    xorg = {
      recurseForDerivations = true;
      libXau = deb { debs = [ "libxau6" ]; pname = "libXau"; deps = [ glibc ]; };
      libXdmcp = deb { debs = [ "libxdmcp6" ]; pname = "libXdmcp"; deps = [ glibc libbsd ]; };
    };
  };
in
packages
