# Turns Debian packages from demo/debs into Nix packages: unpacked, laid out as Nix packages are,
# and tied to their dependencies' store paths (see unpack.sh).
#
# Everything has a fixed name and goes by content, so that the store paths depend on the Debian
# packages and on these files, not on where the checkout lies.
{ system }:

let
  inherit (builtins) elemAt filter head isString listToAttrs match path pathExists readFile replaceStrings split toFile;

  platforms = {
    x86_64-linux = { debian = "amd64"; multiarch = "x86_64-linux-gnu"; loader = "ld-linux-x86-64.so.2"; };
    aarch64-linux = { debian = "arm64"; multiarch = "aarch64-linux-gnu"; loader = "ld-linux-aarch64.so.1"; };
  };
  platform = platforms.${system} or (throw "the demo set knows x86_64-linux and aarch64-linux, not ${system}");
  # Unpacking runs nothing of what it unpacks: packages for either platform are built on either.
  buildSystem = builtins.currentSystem;
  buildPlatform = platforms.${buildSystem} or (throw "the demo set cannot be built on ${buildSystem}");

  # { NAME = { version, file }; } of the Debian packages for one architecture.
  readDebs = arch:
    let
      dir = ./debs + "/${arch}";
      parse = line:
        let
          fields = match "([0-9a-f]{64})  (([^_]+)_([^_]+)_[a-z0-9]+\\.deb)" line;
          field = elemAt fields;
        in
        {
          name = field 2;
          value = {
            # without epoch and Debian revision: 1%3a2.39.5-0+deb12u2 is 2.39.5
            version = elemAt (match "([0-9]+%3a)?([0-9]+(\\.[0-9]+)*).*" (field 3)) 1;
            file = path { path = dir + "/${field 1}"; name = "${field 2}.deb"; recursive = false; sha256 = field 0; };
          };
        };
      lines = filter (line: isString line && line != "") (split "\n" (readFile (dir + "/SHA256SUMS")));
    in
    if pathExists (dir + "/SHA256SUMS") then listToAttrs (map parse lines)
    else throw "the Debian packages for ${arch} are not there: run demo/fetch";
  find = arch: debs: name: debs.${name} or (throw "the Debian package ${name} is not there for ${arch}: run demo/fetch");

  targetDeb = let debs = readDebs platform.debian; in find platform.debian debs;
  buildDeb = let debs = readDebs buildPlatform.debian; in find buildPlatform.debian debs;

  # What builds everything: a static busybox (whose package demo/fetch has unpacked, since before it
  # there is nothing to unpack with), and patchelf with the libraries that it needs.
  seed = path { path = ./debs + "/${buildPlatform.debian}/seed"; name = "seed"; };
  tools =
    let debs = [ "busybox-static" "patchelf" "libc6" "libstdc++6" "libgcc-s1" ];
    in derivation {
      name = "tools";
      system = buildSystem;
      builder = "${seed}/sh";
      inherit seed;
      inherit (buildPlatform) loader;
      debs = map (name: (buildDeb name).file) debs;
      args = [ "-euc" ''
        "$seed/busybox" mkdir -p "$out/bin" "$out/lib"
        "$seed/busybox" --install -s "$out/bin"
        PATH=$out/bin
        for deb in $debs; do dpkg-deb -x "$deb" root; done
        for lib in libc.so.6 libm.so.6 libstdc++.so.6 libgcc_s.so.1 "$loader"; do
          cp -L "$(find root -name "$lib" ! -path '*/lib64/*' | head -n 1)" "$out/lib/$lib"
        done
        cp root/usr/bin/patchelf "$out/bin/patchelf"
        "$out/lib/$loader" --library-path "$out/lib" root/usr/bin/patchelf \
          --set-interpreter "$out/lib/$loader" --force-rpath --set-rpath "$out/lib" "$out/bin/patchelf"
        patchelf --version
      '' ];
    };

  # A derivation with the attributes that nixpkgs' packages have; the first output is the default.
  package = { pname, version, meta ? { }, outputs ? [ "out" ], ... }@args:
    let
      drv = derivation (removeAttrs args [ "meta" ] // {
        name = "${pname}-${version}";
        system = buildSystem;
        builder = "${tools}/bin/sh";
        PATH = "${tools}/bin";
        disallowedReferences = [ tools seed ];
        inherit outputs;
      });
      common = { meta = { outputsToInstall = [ (head outputs) ]; } // meta; } // byName;
      byName = listToAttrs (map (name: { inherit name; value = drv.${name} // common; }) outputs);
    in
    byName.${head outputs};

  unpackWith = libs: toFile "unpack.sh" (replaceStrings
    [ "# Debian's folders become one prefix." ]
    [ "libs=${libs}\n# Debian's folders become one prefix." ]
    (replaceStrings [ "for dir in \"lib/$multiarch\"" ] [ "for dir in \"usr/lib/$libs\" \"lib/$multiarch\"" ]
      (readFile ./unpack.sh)));

in
{
  inherit tools package;

  # A package of the Debian packages `debs`, which finds its libraries in `deps` and nowhere else.
  # `prune` names paths in the output that are not wanted; `fixup` is shell, run when the rest is done.
  # A first output `bin` gets the programs, and `out` keeps the libraries.
  # `libs` names a folder in /usr/lib that has more libraries.
  deb = { debs, pname ? head debs, deps ? [ ], outputs ? [ "out" ], prune ? [ ], fixup ? "", libs ? "" }:
    package {
      inherit pname outputs prune fixup;
      inherit (targetDeb (head debs)) version;
      inherit (platform) multiarch loader;
      debs = map (name: (targetDeb name).file) debs;
      deps = map (dep: dep.out) deps;
      args = [ "-eu" (if libs == "" then ./unpack.sh else unpackWith libs) ];
    };
}
