package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** From popcount to the layers of images. */
final class PopularityTests {

  private static final Pattern NAME = Pattern.compile("^\"(.+)\":\\{", Pattern.MULTILINE);

  @TempDir Path folder;

  /** The command of docs/popularity.md links it alone. */
  @Test
  @Timeout(300)
  void whatPopcountWritesTheServerReads() throws Exception {
    Path runtime = folder.resolve("popcount");
    new Document("docs/popularity.md").link(runtime);
    assertThat(Shell.run(TestServer.RUNTIME.resolve("bin/popcount").toString(), "--version"))
        .isEqualTo(Shell.run(runtime.resolve("bin/popcount").toString(), "--version"))
        .startsWith("popcount ");

    Path file = Files.writeString(folder.resolve("popularity.json"), "not yet");
    Map<String, String> variables =
        Map.of("NIX_POPULARITY_URL", "file://" + file, "NIXERY_POPULARITY_REFRESH", "1");
    try (TestServer server = TestServer.start(folder.resolve("server"), variables)) {
      assertThat(server.log()).anyMatch(line -> line.contains(file + " cannot be used"));
      String without = server.pull("shell/git");

      count(runtime, file);
      awaitLoads(server, 1);
      assertThat(server.log()).anyMatch(line -> line.contains(file + ": the popularity of "));

      List<String> names =
          NAME.matcher(Files.readString(file)).results().map(name -> name.group(1)).toList();
      assertThat(names).contains("git", "bash");
      Files.writeString(file, contrary(names));
      awaitLoads(server, 2);
      assertThat(server.pull("shell/git")).as("made with what is known now").isNotEqualTo(without);
    }
  }

  private static void count(Path runtime, Path file) {
    ProcessBuilder popcount =
        new ProcessBuilder(
            runtime.resolve("bin/popcount").toString(), "--store", "--output", file.toString());
    popcount.environment().put("NIX_REMOTE", TestServer.NIX.toString());
    Shell.Result result = Shell.attempt(popcount);
    assertThat(result.status()).as(result.output()).isZero();
    assertThat(result.output()).contains("paths of the local store");
  }

  /** Makes data, in the older form, by which other packages are popular than usually are. */
  private static String contrary(List<String> names) {
    return IntStream.range(0, names.size())
        .mapToObj(i -> "\"%s-1.0\": %d".formatted(names.get(i), i * 1000))
        .collect(Collectors.joining(", ", "{", "}"));
  }

  private static void awaitLoads(TestServer server, int changes) throws InterruptedException {
    Pattern sample =
        Pattern.compile("nixery_popularity_loads_total\\{outcome=\"changed\"} ([0-9]+)\\.0");
    while (true) {
      int changed =
          sample
              .matcher(Pull.text(server.get("/metrics").body()))
              .results()
              .map((MatchResult found) -> Integer.parseInt(found.group(1)))
              .findFirst()
              .orElseThrow();
      if (changed >= changes) {
        return;
      }
      Thread.sleep(100);
    }
  }
}
