-- Prints what wrk found in one line that a program can read; see Load.java.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.duration, summary.requests, summary.bytes,
    latency:percentile(99), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
