# Builds container images inside Nix builds, with the engine of the server. See docs/build.md.
#
#   let inherit (import ./nix { nixery = ./my-nixery; inherit pkgs; }) buildImage;
#   in buildImage { name = "git"; contents = [ pkgs.git pkgs.cacert ]; }
{
  # The linked runtime, for this machine: a folder, or a store path.
  nixery
  # Where the following are taken from.
, pkgs ? { }
  # The C library that the runtime is run with, in version 2.17 or newer.
, glibc ? pkgs.glibc or (throw "buildImage needs pkgs with glibc, or glibc itself")
  # The platform of the builds.
, system ? builtins.currentSystem
}:

let
  inherit (builtins) appendContext attrNames baseNameOf concatMap concatStringsSep elemAt filter getContext hasContext isAttrs
    isList isString removeAttrs replaceStrings split toJSON;

  platforms = {
    x86_64-linux = { architecture = "amd64"; loader = "ld-linux-x86-64.so.2"; };
    aarch64-linux = { architecture = "arm64"; loader = "ld-linux-aarch64.so.1"; };
  };
  platform = platforms.${system} or (throw "images are built on x86_64-linux and aarch64-linux, not ${system}");

  runtime =
    if isAttrs nixery || (isString nixery && hasContext nixery) then "${nixery}"
    else builtins.path {
      path = nixery;
      name = "nixery";
      filter = file: type: baseNameOf file != "nixery.aot"; # which is for the server, and never the same
    };

  # The runtime's programs expect the dynamic linker where Nix has none. Called like this, it looks
  # nowhere else.
  loader = "${glibc}/lib/${platform.loader}";
  engine = [
    "--library-path" "${glibc}/lib" "${runtime}/bin/java" "-XX:-UsePerfData"
    "-m" "nixery.image/nixery.image.nix.NixBuilder"
  ];

  # What is installed of a package: as the server has it, and `nix build`.
  outputs = package:
    if isAttrs package && !(package.outputSpecified or false) && package ? meta.outputsToInstall
    then map (name: "${package.${name}}") package.meta.outputsToInstall
    else [ "${package}" ];

  # Store paths that a text mentions must be in the image too.
  mentioned = text:
    if getContext text == { } then [ ]
    else map (found: appendContext (elemAt found 0) (getContext text))
      # What may follow a path in a text, such as "=8080", "?mode=ro" or ".", is not taken for its name.
      (filter isList (split "(/nix/store/[0-9a-z]{32}-[0-9a-zA-Z+._-]*[0-9a-zA-Z+_-])" text));

  # A file of this machine is copied into the store.
  file = path: if path == null then null else "${path}";

  libraries =
    (if pkgs ? libdeflate then { gzip = "${pkgs.libdeflate.out}/lib/libdeflate.so"; } else { })
    // (if pkgs ? zstd then { zstd = "${pkgs.zstd.out}/lib/libzstd.so.1"; } else { });

  known = [ "Cmd" "Entrypoint" "Env" "ExposedPorts" "Labels" "User" "WorkingDir" ];
in
{
  buildImage =
    {
      # What the image is called where it is loaded.
      name
    , tag ? "latest"
      # Packages, in order of precedence where two have a file of the same name.
    , contents
      # How it is to be run: as "config" in the OCI image specification.
    , config ? { }
      # When it was made, or "now".
    , created ? "1970-01-01T00:00:01Z"
    , architecture ? platform.architecture
      # How many layers it may have.
    , maxLayers ? 94
      # How packages are divided among them, as NIXERY_LAYERING; null is the server's default.
    , layering ? null
      # A file with popularity data, as popcount writes it.
    , popularity ? null
      # How layers are compressed: "gzip" or "zstd", at which level, and the file of the library that does it.
      # Without one, gzip is done by the Java runtime.
    , compression ? "gzip"
    , compressionLevel ? null
    , compressionLibrary ? libraries.${compression} or null
      # Whether to make a program that writes the image to standard output, instead of the image.
    , streaming ? false
    }:
    let
      unknown = attrNames (removeAttrs config known);
      packages = concatMap outputs contents;
      others = mentioned (toJSON config);
      image = {
        inherit name tag config created architecture maxLayers layering compression compressionLevel;
        contents = packages;
        mentioned = others;
        popularity = file popularity;
        compressionLibrary = file compressionLibrary;
      };
    in
    if unknown != [ ] then
      throw "config has no ${concatStringsSep ", " unknown}: it may have ${concatStringsSep ", " known}"
    else
      derivation ({
        name = "${replaceStrings [ "/" ":" ] [ "-" "-" ] name}-image";
        inherit system image;
        __structuredAttrs = true;
        exportReferencesGraph.graph = packages ++ others;
        builder = loader;
      } // (if streaming then {
        args = engine ++ [ "script" ];
        command = [ loader ] ++ engine;
        outputs = [ "out" "plan" ];
      } else {
        args = engine ++ [ "layout" ];
        unsafeDiscardReferences.out = true; # an image needs nothing of the store
      }));
}
