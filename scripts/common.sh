# shellcheck shell=sh
# What the project's scripts share: finding a JDK, apt packages, Nix. Source it; it does nothing by
# itself. Works in dash. Every function either does its work or ends the script with one sentence.

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Where things are kept that can be had again.
cache_dir() { echo "${XDG_CACHE_HOME:-$HOME/.cache}/nixery"; }

# --- JDK -------------------------------------------------------------------------------------

# jdk_major DIR: prints the major version of the JDK in DIR, or nothing where there is none.
jdk_major() {
  [ -x "$1/bin/javac" ] && [ -x "$1/bin/jlink" ] || return 0
  "$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9][0-9]*\).*/\1/p'
}

# find_jdk [AT_LEAST]: exports JAVA_HOME and puts its bin first in PATH. Looks at JAVA_HOME, then
# at the java of PATH, then where distributions and installers put JDKs.
find_jdk() {
  wanted=${1:-25}
  on_path=$(command -v javac || :)
  [ -z "$on_path" ] || on_path=$(dirname "$(dirname "$(readlink -f "$on_path")")")
  for jdk in "${JAVA_HOME:-}" "$on_path" /usr/lib/jvm/* /opt/* /opt/java/* /usr/local/* \
    /usr/java/* "${HOME:-}"/.sdkman/candidates/java/* "${HOME:-}"/.jdks/*; do
    [ -n "$jdk" ] || continue
    major=$(jdk_major "$jdk")
    if [ -n "$major" ] && [ "$major" -ge "$wanted" ]; then
      JAVA_HOME=$jdk
      PATH=$jdk/bin:$PATH
      export JAVA_HOME PATH
      return 0
    fi
  done
  die "no JDK $wanted or newer in JAVA_HOME, PATH, /usr/lib/jvm or /opt: install one" \
    "(Eclipse Temurin $wanted, or openjdk-$wanted-jdk-headless where apt has it), or set JAVA_HOME"
}

# --- apt -------------------------------------------------------------------------------------

# need_commands COMMAND=PACKAGE...: installs the packages whose commands are missing.
need_commands() {
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  export PATH
  missing=
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing="$missing ${pair#*=}"
  done
  install_missing
}

# need_libraries LIBRARY=PACKAGE...: installs the packages whose shared libraries are missing.
need_libraries() {
  libraries=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p)
  missing=
  for pair in "$@"; do
    case $libraries in
      *"${pair%%=*} "*) ;;
      *) missing="$missing ${pair#*=}" ;;
    esac
  done
  install_missing
}

install_missing() {
  missing=${missing# }
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || die "these are missing, and there is no apt to install them: $missing"
  if [ "$(id -u)" != 0 ]; then
    die "these packages are missing; run: sudo apt-get update &&" \
      "sudo apt-get install --no-install-recommends $missing"
  fi
  say "installing with apt: $missing"
  # shellcheck disable=SC2086 # a list of package names
  {
    apt-cache show $missing >/dev/null 2>&1 || apt_get update || die "apt-get update failed"
    apt_get install $missing || { apt_get update && apt_get install $missing; } ||
      die "apt could not install: $missing"
  }
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >&2
}

# private_apt DIR SUITE ARCH: makes DIR/apt.conf, for use as APT_CONFIG: an apt which knows SUITE
# only, believes that nothing is installed, and keeps everything in DIR, so that nothing on the
# machine changes. The mirror is the machine's own; DEBIAN_MIRROR overrides it.
private_apt() {
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -r "$keyring" ] || die "$keyring is missing: install the package debian-archive-keyring"
  mirror=${DEBIAN_MIRROR:-$(
    # shellcheck disable=SC2016 # apt's own placeholder
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1
  )}
  [ -n "$mirror" ] || die "apt knows no Debian mirror yet: run apt-get update, or set DEBIAN_MIRROR"
  mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/none"
  : >"$1/status"
  echo "deb [signed-by=$keyring] $mirror $2 main" >"$1/sources.list"
  cat >"$1/apt.conf" <<CONF
APT::Architecture "$3";
APT::Architectures { "$3"; };
APT::Install-Recommends "0";
APT::Sandbox::User "$(id -un)";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Debug::NoLocking "1";
Dir::Cache "$1/cache";
Dir::Etc::SourceList "$1/sources.list";
Dir::Etc::SourceParts "$1/none";
Dir::State "$1";
Dir::State::Lists "$1/lists";
Dir::State::status "$1/status";
CONF
}

# --- Nix -------------------------------------------------------------------------------------

# nix_builds: whether Nix can build as it is configured now. The probe is a builder inside Nix, so
# it needs nothing of the host; --check makes it run even where its result exists.
nix_builds() {
  probe='derivation {
    name = "nixery-probe"; system = "builtin"; builder = "builtin:buildenv"; derivations = "";
    manifest = builtins.toFile "manifest" ""; preferLocalBuild = true; allowSubstitutes = false;
  }'
  nix-build --no-out-link -E "$probe" && nix-build --no-out-link --check -E "$probe"
}

# set_up_nix: leaves a Nix that can build alone. Otherwise adds to NIX_CONFIG no more than what
# makes it work: root without a daemon (no build users), Debian's sandbox shell not installed, no
# sandbox where the kernel or a container forbids it. What NIX_CONFIG has already comes last and
# therefore wins.
set_up_nix() {
  command -v nix-build >/dev/null || die "Nix is not installed: need_commands nix-build=nix-bin"
  if nix_says=$(nix_builds 2>&1); then return 0; fi
  own_config=${NIX_CONFIG:-}
  added=
  for line in 'build-users-group =' 'sandbox-paths =' 'sandbox = false'; do
    added="$added$line
"
    NIX_CONFIG=$added$own_config
    export NIX_CONFIG
    if nix_says=$(nix_builds 2>&1); then return 0; fi
  done
  die "Nix cannot build here: ${nix_says##*error: } (as root, or with a nix-daemon, it usually can)"
}

# nix_without_substituters: for the demo set, of which no cache has anything.
nix_without_substituters() {
  NIX_CONFIG="substituters =
${NIX_CONFIG:-}"
  export NIX_CONFIG
}
