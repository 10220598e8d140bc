# The demo set and, beside its packages, everything awkward that a package set can contain: for
# tests. Nothing here costs anything unless it is asked for.
{ system ? builtins.currentSystem, ... }:

let
  inherit (builtins) concatStringsSep foldl' genList toString;

  packages = import ./default.nix { inherit system; };
  native = import ./default.nix { }; # runs on the building machine

  inherit (import ./deb.nix { inherit system; }) package;
  make = name: args: script: package ({ pname = name; version = "1.0"; args = [ "-euc" script ]; } // args);

  # A file of KIB KiB and the given dependencies.
  plain = name: kib: deps: make name { inherit deps; } ''
    mkdir -p "$out/share/${name}"
    { yes ${name} || :; } | head -c ${toString (kib * 1024)} > "$out/share/${name}/data"
    for dep in $deps; do echo "$dep"; done > "$out/share/${name}/deps"
  '';

  # A file which does not compress and is the same on every machine: a cipher's key stream.
  random = name: mib: make name { } ''
    mkdir -p "$out/share/${name}"
    { ${native.openssl}/bin/openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null || :; } |
      head -c ${toString (mib * 1024 * 1024)} > "$out/share/${name}/data"
  '';

  evaluation = {
    # -- not a package --
    aFunction = { a, b ? 2 }: a + b;
    aLambda = x: x;
    aList = [ packages.hello ];
    aSet = { inherit (packages) hello; };
    anEmptySet = { };
    aString = "just a string";
    aPath = ./fixtures.nix;
    aNull = null;
    aBool = true;
    anInt = 42;
    aFloat = 4.2;
    aFunctor = { __functor = self: x: x; };
    aPathSet = { outPath = "/nix/store/00000000000000000000000000000000-no-derivation"; };
    aHollowDerivation = { type = "derivation"; name = "hollow-1.0"; };

    # -- fails to evaluate --
    throws = throw "Package ‘unfree-1.0’ in /etc/nixpkgs/unfree.nix:3 has an unfree license (‘unfree’), refusing to evaluate.";
    throwsLines = throw "the first line\nerror: the second line\n\n  the last line";
    aborts = abort "this one aborts";
    assertFails = assert 1 == 2; packages.hello;
    typeError = 1 + "a";
    missingArgument = ({ notThere }: notThere) { };
    missingAttribute = packages.hello.notThere;
    missingFile = import ./does-not-exist.nix;
    infiniteRecursion = let x = x; in x;
    deepRecursion = let count = n: 1 + count (n + 1); in count 0;
    deepFailure = plain "deep-failure" 1 [ (plain "deeper" 1 [ (plain "deepest" 1 [ (throw "deepest is marked as broken") ]) ]) ];
    neverEnds = # in constant memory
      let
        many = genList (i: i) 10000;
        repeat = f: foldl' (a: _: f a) 0 many;
      in
      repeat (_: repeat (_: repeat (_: repeat (a: a + 1))));

    # -- evaluates, but not in the plain way --
    traces = builtins.trace "a trace on stderr" packages.hello;
    tracesMuch = # 2 MB on stderr
      foldl' (value: i: builtins.trace "trace ${toString i} ${concatStringsSep "" (genList (_: "x") 180)}" value)
        packages.hello (genList (i: i) 10000);
    importsFromDerivation = plain (import (make "imported" { } ''echo '"imports-from-derivation"' > "$out"'')) 1 [ ];
    throwingMeta = packages.hello // { meta = throw "the meta of this package throws"; };
    withoutMeta = removeAttrs packages.hello [ "meta" "pname" "version" ];

    # -- names --
    foo = plain "foo-lower" 1 [ ];
    Foo = plain "foo-upper" 1 [ ];
    ambiguousName = plain "ambiguous-1" 1 [ ]; # asked for in lower case, neither matches exactly
    ambiguOusname = plain "ambiguous-2" 1 [ ];
    _1st = plain "first" 1 [ ];
    "dotted.name" = plain "dotted" 1 [ ];
    "odd \"name\" \${x} ü" = plain "odd" 1 [ ];
    emptyPackages = { };
    throwingPackages = throw "this whole set throws";
    nestedPackages = {
      recurseForDerivations = true;
      Inner = plain "inner" 1 [ ];
      _2nd = plain "second" 1 [ ];
      deeper.MixedCase.Package = plain "mixed-case" 1 [ ];
      throws = throw "a nested package throws";
    };
  };

  building = {
    failing = make "failing" { } ''
      echo "about to fail"
      echo "the reason is 42" >&2
      exit 3
    '';
    failingNext = make "failing-next" { } ''echo "the next one fails, too"; exit 4'';
    failingSilently = make "failing-silently" { } ''exit 5'';
    failingNoisily = make "failing-noisily" { } ''
      yes "line before the end" | head -n 200000
      echo "the last words"
      exit 6
    '';
    failingInHtml = make "failing-in-html" { } ''
      echo "<script>document.title = 'owned'</script>"
      echo "<img src=x onerror=\"document.title = 'owned'\"></pre><h1>owned</h1>"
      exit 7
    '';
    dependsOnFailing = plain "depends-on-failing" 1 [ building.failing ];
    noOutput = make "no-output" { } "exit 0";
    # sleeps of their own numbers of seconds, by which to find what is left of them
    slow = make "slow" { } ''
      echo "sleeping"
      sleep 1801 &
      sleep 1802
    '';
    stubborn = make "stubborn" { } ''
      trap : TERM INT HUP
      echo "not listening"
      while :; do sleep 1803; done
    '';
    sleepy = make "sleepy" { } ''sleep 2; echo "slept" > "$out"'';
    noisy = make "noisy" { } '' # 10 MB of log
      yes "a line of the log that is sixty-four characters long, no more." | head -n 163840
      echo "done" > "$out"
    '';
    noisyLine = make "noisy-line" { } '' # 5 MB of log without a line break, and no UTF-8
      yes "$(printf 'xxxxxxxxxxxxx\377\300\203')" | head -n 327680 | tr -d '\n'
      echo "done" > "$out"
    '';
  };

  outputs = {
    # the default output is the first, what is to be installed says meta
    multi = make "multi" { outputs = [ "out" "bin" "dev" "man" ]; meta.outputsToInstall = [ "bin" "man" ]; } ''
      for output in $outputs; do
        eval "path=\$$output"
        mkdir -p "$path/share/multi"
        echo "$output" > "$path/share/multi/$output"
      done
    '';
    multiSpecified = outputs.multi.dev // { outputSpecified = true; };
    binFirst = make "bin-first" { outputs = [ "bin" "out" ]; } ''
      mkdir -p "$bin/bin" "$out/lib"
      echo "library" > "$out/lib/library"
      echo "#!$out/lib/library" > "$bin/bin/program"
      chmod +x "$bin/bin/program"
    '';
    # outputs that are no folders
    plainFile = make "plain-file" { } ''echo "contents" > "$out"'';
    executableFile = make "executable-file" { } ''echo "contents" > "$out"; chmod +x "$out"'';
    linkToFolder = make "link-to-folder" { target = packages.tzdata; } ''ln -s "$target" "$out"'';
    emptyOutput = make "empty-output" { } ''mkdir "$out"'';
  };

  graphs = {
    tiny = plain "tiny" 1 [ ];
    chain = builtins.head (foldl' (deps: i: [ (plain "chain-${toString i}" 8 deps) ]) [ ] (genList (i: i) 40));
    wide = plain "wide" 4 (genList (i: plain "leaf-${toString i}" (1 + i) [ ]) 150); # 151 paths
    shared = plain "shared" 2048 [ ];
    onlyA = plain "only-a" 512 [ ];
    sharesA = plain "shares-a" 4 [ graphs.shared graphs.onlyA ];
    sharesB = plain "shares-b" 4 [ graphs.shared ];
    selfReference = make "self-reference" { } ''mkdir "$out"; echo "$out" > "$out/self"'';
    big = random "big" 64;
    huge = random "huge" 512;
  };

  contents = {
    manyFiles = make "many-files" { } '' # 5,000, and 50 folders
      for i in $(seq 50); do
        mkdir -p "$out/share/many/$i"
        for j in $(seq 100); do echo "$i $j" > "$out/share/many/$i/$j"; done
      done
    '';
    hardLinks = make "hard-links" { } ''
      mkdir -p "$out/a" "$out/b"
      echo "linked" > "$out/a/one"
      ln "$out/a/one" "$out/a/two"
      ln "$out/a/one" "$out/b/three"
    '';
    symlinks = make "symlinks" { tiny = graphs.tiny; } ''
      mkdir -p "$out/share/links/folder"
      cd "$out/share/links"
      echo "target" > target
      ln -s target relative
      ln -s ../links/target upwards
      ln -s "$out/share/links/target" absolute
      ln -s "$tiny/share/tiny/data" other-package
      ln -s /etc/hostname outside
      ln -s folder to-folder
      ln -s does-not-exist dangling
      ln -s itself itself
      ln -s "$(seq -s/ 300)" long
    '';
    oddModes = make "odd-modes" { } ''
      mkdir -p "$out/private"
      for mode in 400 444 500 644 700 711 755; do
        echo "$mode" > "$out/private/$mode"
        chmod "$mode" "$out/private/$mode"
      done
      chmod 700 "$out/private"
    '';
    longNames = make "long-names" { } '' # names of 100, 101 and 255 bytes, and a path of over 1,000
      name() { head -c "$1" /dev/zero | tr '\0' x; }
      mkdir -p "$out/long"
      cd "$out/long"
      for length in 99 100 101 155 156 255; do echo "$length" > "$(name "$length")"; done
      ln -s "$(name 255)" "$(name 200)"
      for i in 1 2 3 4; do mkdir "$(name 250)"; cd "$(name 250)"; done
      echo "deep" > file
    '';
    unicodeNames = make "unicode-names" { } ''
      mkdir -p "$out/unicode"
      cd "$out/unicode"
      for name in "naïve" "日本語" "🙂" "with space" "-dash" "back\\slash" "quote'\"" '*' "trailing."; do
        echo "$name" > "./$name"
      done
      echo "decomposed" > "$(printf 'nai\314\210ve')"
      echo "line" > "$(printf 'new\nline')"
    '';
    nonUtf8Names = make "non-utf8-names" { } ''
      mkdir -p "$out/bytes"
      echo "latin-1" > "$out/bytes/$(printf 'na\357ve')"
      echo "never valid" > "$out/bytes/$(printf 'x\377\376')"
      ln -s "$(printf 'na\357ve')" "$out/bytes/link"
    '';
    emptyFolders = make "empty-folders" { } ''mkdir -p "$out/empty" "$out/a/b/c"'';
    fileSizes = make "file-sizes" { } '' # around the blocks of tar
      mkdir -p "$out/sizes"
      for size in 0 1 511 512 513 1024 10239 10240 10241; do
        head -c "$size" /dev/zero | tr '\0' x > "$out/sizes/$size"
      done
    '';
    deepFolders = make "deep-folders" { } ''
      cd "$(mkdir -p "$out" && echo "$out")"
      for i in $(seq 50); do mkdir d; cd d; done # newer versions of Nix refuse more than 64
      echo "bottom" > file
    '';
    # A layer could not hold this file: its name says that another one is to be removed.
    whiteout = make "whiteout" { } ''mkdir "$out"; echo "not a marker" > "$out/.wh.file"; echo "file" > "$out/file"'';
  };

  # Pairs that get into each other's way where packages are merged into one tree.
  conflicts = {
    conflictA = make "conflict-a" { } ''
      mkdir -p "$out/share/conflict/folder" "$out/share/conflict/mixed"
      for file in same folder/both folder/only-a; do echo "a" > "$out/share/conflict/$file"; done
      echo "a folder in a" > "$out/share/conflict/mixed/file"
    '';
    conflictB = make "conflict-b" { } ''
      mkdir -p "$out/share/conflict/folder"
      for file in same folder/both folder/only-b mixed; do echo "b" > "$out/share/conflict/$file"; done
    '';
    conflictLink = make "conflict-link" { } '' # a link where others have a folder
      mkdir -p "$out/share/target"
      echo "link" > "$out/share/target/only-link"
      ln -s target "$out/share/conflict"
    '';
    linkedBin = make "linked-bin" { } ''
      mkdir -p "$out/libexec" "$out/usr"
      echo "linked" > "$out/libexec/linked-program"
      ln -s libexec "$out/bin"
      ln -s ../bin "$out/usr/bin"
    '';
    ownPasswd = make "own-passwd" { } ''
      mkdir -p "$out/etc"
      echo "root:x:0:0:the package's own:/root:/bin/sh" > "$out/etc/passwd"
      echo "root:x:0:" > "$out/etc/group"
    '';
    ownEnv = make "own-env" { } ''mkdir -p "$out/usr/bin"; echo "own" > "$out/usr/bin/env"; chmod +x "$out/usr/bin/env"'';
    ownTmp = make "own-tmp" { } ''mkdir -p "$out/tmp"; echo "own" > "$out/tmp/file"'';
    tmpFile = make "tmp-file" { } ''mkdir "$out"; echo "a file" > "$out/tmp"'';
    ownNix = make "own-nix" { } ''mkdir -p "$out/nix/store"; echo "own" > "$out/nix/store/file"'';
  };
in
packages // evaluation // building // outputs // graphs // contents // conflicts
