package nixery.bench;

/**
 * What a load generator saw.
 *
 * @param requestsPerSecond answered
 * @param gigabytesPerSecond received, in units of 10^9 bytes
 * @param p99 the 99th percentile of the latency, in milliseconds
 * @param processorSecondsPerGigabyte of the server
 */
record Load(
    double requestsPerSecond,
    double gigabytesPerSecond,
    double p99,
    double processorSecondsPerGigabyte) {

  private static final String SCRIPT = Servers.PROJECT.resolve("bench/wrk.lua").toString();

  /** Returns the same, with nothing counted but the bodies of answers, each of so many bytes. */
  Load ofBodies(int bytes) {
    double share = requestsPerSecond * bytes / 1e9 / gigabytesPerSecond;
    return new Load(
        requestsPerSecond, gigabytesPerSecond * share, p99, processorSecondsPerGigabyte / share);
  }

  /** Lets wrk, with one thread, ask for a path over so many connections at the same time. */
  static Load of(Server server, String path, int connections, int seconds) {
    double before = server.processorSeconds();
    String output =
        Shell.run(
            "wrk",
            "-t1",
            "-c" + connections,
            "-d" + seconds + "s",
            "--latency",
            "--timeout",
            "60s",
            "-H",
            "Accept: application/vnd.docker.distribution.manifest.v2+json",
            "-s",
            SCRIPT,
            server.url() + path);
    double processor = server.processorSeconds() - before;
    String[] fields =
        output
            .lines()
            .filter(line -> line.startsWith("RESULT "))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("wrk says " + output))
            .split(" ", -1);
    double duration = Double.parseDouble(fields[1]) / 1e6;
    double requests = Double.parseDouble(fields[2]);
    double gigabytes = Double.parseDouble(fields[3]) / 1e9;
    if (!fields[5].equals("0")) {
      throw new IllegalStateException("%s%s: %s errors".formatted(server.url(), path, fields[5]));
    }
    return new Load(
        requests / duration,
        gigabytes / duration,
        Double.parseDouble(fields[4]) / 1e3,
        gigabytes == 0 ? 0 : processor / gigabytes);
  }
}
