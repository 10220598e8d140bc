# shellcheck shell=sh
# What the scripts in this folder share: a server with the demo packages in a git repository, so that they have a
# revision, and what it takes in CPU time and memory. Source it.

cd "$(dirname "$0")/.."
# shellcheck source=../scripts/common.sh
. scripts/common.sh

runtime=${NIXERY_RUNTIME:-nixery.runtime/target/nixery}
[ -x "$runtime/bin/nixery" ] || die "$runtime is not there: build it with mvn -DskipTests package, or set NIXERY_RUNTIME"
need_commands wrk=wrk curl=curl git=git nix-build=nix-bin
set_up_nix
nix_without_substituters
demo/fetch
scratch=$(mktemp -d)
server=
trap 'finish' EXIT INT TERM

finish() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || :; }
  chmod -R u+w "$scratch" && rm -rf "$scratch"
}

# start_server [VARIABLE=VALUE...]: starts one on a free port, with an empty storage, and leaves its address in $url
# and its process id in $server. The demo packages are the source, in a repository of their own.
start_server() {
  git init -q "$scratch/repository"
  echo "args: import $PWD/demo/fixtures.nix args" >"$scratch/repository/default.nix"
  git -C "$scratch/repository" add .
  git -C "$scratch/repository" -c user.name=bench -c user.email=bench@example.org commit -q -m demo
  env PORT=0 NIXERY_HOST=127.0.0.1 NIXERY_STORAGE_BACKEND=filesystem STORAGE_PATH="$scratch/storage" \
    NIXERY_CACHE="$scratch/cache" NIXERY_PKGS_REPO="$scratch/repository" \
    NIX_REMOTE="${NIX_REMOTE:-$(cache_dir)/bench-nix}" "$@" \
    "$runtime/bin/nixery" >"$scratch/out" 2>"$scratch/log" &
  server=$!
  for _ in $(seq 300); do
    port=$(sed -n 's/^Nixery listens on port \([0-9]*\).*/\1/p' "$scratch/out")
    [ -z "$port" ] || break
    kill -0 "$server" 2>/dev/null || die "the server did not start: $(cat "$scratch/log")"
    sleep 0.1
  done
  url=http://127.0.0.1:$port
}

# The CPU time of the server so far, in milliseconds.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$server/stat"; }

# The resident set of the server, in MiB.
rss_mib() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$server/status"; }
