package nixery.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A server that is being measured.
 *
 * @param subject its name in the tables
 * @param process the process, whose children belong to it
 * @param url where it listens, without a slash at the end
 */
record Server(String subject, ProcessHandle process, String url) implements AutoCloseable {

  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** Clock ticks per second in /proc, the same on all Linux systems that matter. */
  private static final double TICKS = 100;

  private Stream<ProcessHandle> processes() {
    return Stream.concat(Stream.of(process), process.descendants());
  }

  /** Returns the processor time of the process and its children so far, in seconds. */
  double processorSeconds() {
    return processes().mapToDouble(each -> ticks(each.pid())).sum() / TICKS;
  }

  private static double ticks(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return Double.parseDouble(fields[11]) + Double.parseDouble(fields[12]);
    } catch (IOException e) {
      return 0; // it has ended
    }
  }

  /** Returns a figure of {@code /proc/…/status} in MiB, such as {@code VmRSS} or {@code VmHWM}. */
  double mebibytes(String field) {
    return processes()
            .mapToDouble(each -> {
              try (var lines = Files.lines(Path.of("/proc/" + each.pid() + "/status"))) {
                return lines
                    .filter(line -> line.startsWith(field + ":"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")))
                    .sum();
              } catch (IOException e) {
                return 0;
              }
            })
            .sum()
        / 1024;
  }

  /** Gets a path and fails unless all is well. */
  HttpResponse<byte[]> get(String path) {
    try {
      HttpResponse<byte[]> answer =
          HTTP.send(
              HttpRequest.newBuilder(URI.create(url + path))
                  .timeout(Duration.ofMinutes(10))
                  .header("Accept", "application/vnd.docker.distribution.manifest.v2+json")
                  .build(),
              HttpResponse.BodyHandlers.ofByteArray());
      if (answer.statusCode() != 200) {
        throw new IllegalStateException(
            String.format(Locale.ROOT, "%s%s answers %d", url, path, answer.statusCode()));
      }
      return answer;
    } catch (IOException e) {
      throw new IllegalStateException("cannot get " + url + path, e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns how long phases of building took in all, in seconds, by the server's own account. */
  double phaseSeconds(String... phases) {
    String metrics = new String(get("/metrics").body(), StandardCharsets.UTF_8);
    return Stream.of(phases)
        .mapToDouble(phase ->
            metrics
                .lines()
                .filter(line ->
                    line.startsWith(
                        "nixery_phase_duration_seconds_sum{phase=\"%s\"} ".formatted(phase)))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
                .sum())
        .sum();
  }

  @Override
  public void close() {
    var children = process.descendants().toList();
    process.destroy();
    try {
      process.onExit().get(60, TimeUnit.SECONDS);
    } catch (Exception e) {
      process.destroyForcibly();
    }
    children.forEach(ProcessHandle::destroyForcibly);
  }
}
