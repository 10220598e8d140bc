#!/bin/sh
# Requests per second for the manifest of an image that is there, by tag and by digest: what every pull begins with.
#
#   bench/warm.sh [SECONDS] [CONNECTIONS] [IMAGE]
set -eu
# shellcheck source=server.sh
. "$(dirname "$0")/server.sh"
seconds=${1:-10} connections=${2:-32} image=${3:-shell/git}
docker=application/vnd.docker.distribution.manifest.v2+json
accept="Accept: $docker, application/vnd.oci.image.manifest.v1+json"

start_server
digest=$(curl -fsS -o /dev/null -D - -H "$accept" "$url/v2/$image/manifests/latest" |
  tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p')

# measure NAME PATH
measure() {
  before=$(cpu_ms)
  wrk -t1 -c"$connections" -d"${seconds}s" --latency -H "$accept" "$url$2" >"$scratch/wrk"
  after=$(cpu_ms)
  awk -v name="$1" -v cpu="$((after - before))" -v rss="$(rss_mib)" '
    /^ *(50|99)%/ { latency[$1] = $2 }
    /requests in/ { requests = $1 }
    /Non-2xx/ { bad = " " $0 }
    /^Requests\/sec/ { rate = $2 }
    END {
      printf "%-10s %8.0f req/s  p50 %s  p99 %s  %.1f us CPU each  RSS %d MiB%s\n",
        name, rate, latency["50%"], latency["99%"], cpu * 1000 / requests, rss, bad
    }' "$scratch/wrk"
}

measure warm-up "/v2/$image/manifests/latest"
for _ in 1 2 3; do
  measure "by tag" "/v2/$image/manifests/latest"
  measure "by digest" "/v2/$image/manifests/$digest"
done
