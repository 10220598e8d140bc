# Looks names up in a package set.
#
#   packageSet  the path of the file or folder to import
#   system      the platform that packages are wanted for
#   names       a JSON list of names, each being the list of its parts between the dots
#   mark        a random word. "<mark><index>" is traced before a name is looked at, so that the
#               reader knows which name an error that ends the evaluation belongs to; none was
#               traced if it belongs to the package set as a whole.
#
# The result has an answer per name in `packages`, or else says in `problem` why there is none.
# Nothing in it may be called `outPath`, which Nix would print in place of the set around it.
{ packageSet, system, names, mark }:

let
  inherit (builtins)
    attrNames currentSystem deepSeq elem elemAt filter foldl' fromJSON functionArgs genList head
    isAttrs isFunction length match replaceStrings split stringLength substring tail toXML trace
    typeOf unsafeDiscardStringContext;

  take = count: list: genList (elemAt list) (if length list < count then length list else count);

  lower = replaceStrings
    [ "A" "B" "C" "D" "E" "F" "G" "H" "I" "J" "K" "L" "M" "N" "O" "P" "Q" "R" "S" "T" "U" "V" "W" "X" "Y" "Z" ]
    [ "a" "b" "c" "d" "e" "f" "g" "h" "i" "j" "k" "l" "m" "n" "o" "p" "q" "r" "s" "t" "u" "v" "w" "x" "y" "z" ];

  # Only such names are printed: others cannot be asked for, and may not even be UTF-8.
  plain = filter (key: stringLength key <= 100 && match "[A-Za-z0-9_+.'-]+" key != null);

  # The package set ---------------------------------------------------------------------------

  imported = import packageSet;
  isFunctor = value: isAttrs value && value ? __functor;
  function = if isFunctor imported then imported.__functor imported else imported;
  arguments = functionArgs function;
  # Whether it takes any argument. `functionArgs` is {} for `args:`, for `{ ... }:` and for `{ }:`.
  contains = word: length (split word (toXML function)) > 1;
  isOpen = contains "<varpat " || contains " ellipsis=\"1\"";

  systemArgument =
    if arguments ? system then { inherit system; }
    else if arguments ? localSystem then { localSystem = { inherit system; }; }
    else if isOpen then { inherit system; }
    else { };
  # Nixpkgs would else read the configuration of the user that runs this.
  pureArguments =
    (if arguments ? config then { config = { }; } else { })
    // (if arguments ? overlays then { overlays = [ ]; } else { });
  given = pureArguments // systemArgument;
  missing = filter (name: !arguments.${name} && !(given ? ${name})) (attrNames arguments);

  takesSystem = isFunction function && systemArgument != { };
  set = if isFunction function then function given else imported;

  # One level of names ------------------------------------------------------------------------

  keysFor = key: level:
    let
      ignoringCase = wanted: filter
        (k: stringLength k == stringLength wanted && lower k == lower wanted)
        (attrNames level);
      underscored = "_${key}";
      isDigit = elem (substring 0 1 key) [ "0" "1" "2" "3" "4" "5" "6" "7" "8" "9" ];
      same = ignoringCase key;
    in
    if level ? ${key} then [ key ]
    else if isDigit && level ? ${underscored} then [ underscored ]
    else if same != [ ] || !isDigit then same
    else ignoringCase underscored;

  candidatesFor = key: level:
    let
      size = stringLength key;
      isNear = k:
        let n = stringLength k; in
        n <= size + 2 && n >= size - 2 || size >= 3 && lower (substring 0 size k) == lower key;
    in
    take 20000 (plain (filter isNear (attrNames level)));

  # A name ------------------------------------------------------------------------------------

  isDerivation = value: isAttrs value && (value.type or null) == "derivation";

  lookUp = { value, keys, isOutput }: path:
    let
      key = head path;
      found = if isAttrs value then keysFor key value else [ ];
      next = value.${head found};
    in
    if path == [ ] then describe { inherit value keys isOutput; }
    else if length found == 1 then
      lookUp
        {
          value = next;
          keys = keys ++ found;
          # As in `openssl.dev`, which means just this output.
          isOutput = isDerivation value && isDerivation next
            && elem (head found) (value.outputs or [ ])
            && (next.outputName or null) == head found;
        }
        (tail path)
    else {
      is = "unknown";
      under = keys;
      inherit key;
      isAmbiguous = found != [ ];
      near = if found != [ ] then plain found
        else if isAttrs value then candidatesFor key value
        else [ ];
    };

  # Which outputs are installed is as `nix build` has it.
  describe = { value, keys, isOutput }:
    let
      own = value.outputName or "out";
      chosen =
        if isOutput || (value.outputSpecified or false) then [ own ]
        else value.meta.outputsToInstall or [ own ];
      output = name: {
        inherit name;
        path = unsafeDiscardStringContext (if name == own then value.outPath else value.${name}.outPath);
      };
    in
    if isDerivation value then {
      is = "found";
      inherit keys;
      derivation = unsafeDiscardStringContext value.drvPath;
      outputs = map output chosen;
    }
    else {
      is = "other";
      what = if isFunctor value then "lambda" else typeOf value;
      attributes = if isAttrs value then take 10 (plain (attrNames value)) else [ ];
    };

  answer = index: path:
    trace "${mark}${toString index}" (lookUp { value = set; keys = [ ]; isOutput = false; } path);

  wanted = fromJSON names;
  # One after the other, each to the end.
  answers = foldl'
    (done: index: let one = answer index (elemAt wanted index); in deepSeq one (done ++ [ one ]))
    [ ]
    (genList (index: index) (length wanted));
in
if isFunction function && missing != [ ] then { problem = "arguments"; arguments = plain missing; }
else if !takesSystem && system != currentSystem then { problem = "system"; inherit currentSystem; }
else if !(isAttrs set) then { problem = "type"; what = typeOf set; }
else { packages = answers; }
