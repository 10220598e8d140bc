package nixery.server.popularity;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import nixery.server.metrics.Metrics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PopularityFeedTests {

  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT = Duration.ofMillis(50);

  @TempDir Path folder;

  /** Of the feed that was started last. */
  private Metrics metrics = new Metrics("1");

  private PopularityFeed start(PopularityAddress address, Duration refresh) throws IOException {
    return start(address, refresh, Duration.ofSeconds(30));
  }

  private PopularityFeed start(PopularityAddress address, Duration refresh, Duration patience)
      throws IOException {
    metrics = new Metrics("1");
    return PopularityFeed.start(address, refresh, folder.resolve("cache"), patience, metrics);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(10);
    }
  }

  private String exposition() {
    return metrics.expose(Optional.empty()).text();
  }

  @Test
  void isThereWhenTheServerStarts() throws IOException {
    try (PopularityHost host = new PopularityHost()) {
      host.publish("{\"glibc-2.40\": 70}");
      try (PopularityFeed feed = start(host.address(), LONG)) {
        assertThat(feed.get().of("glibc")).isEqualTo(70);
        assertThat(exposition())
            .contains("nixery_popularity_packages 1.0")
            .contains("nixery_popularity_loads_total{outcome=\"changed\"} 1.0");
      }
    }
  }

  @Test
  void followsWhatIsPublished() throws Exception {
    try (PopularityHost host = new PopularityHost()) {
      host.publish("{\"glibc\": 70}");
      try (PopularityFeed feed = start(host.address(), SHORT)) {
        assertThat(host.next()).as("unchanged").isEqualTo(304);
        host.publish("{\"version\":1,\"packages\":{\"glibc\":{\"count\":71,\"narSize\":2}}}");
        await(() -> feed.get().of("glibc") == 71);
      }
    }
  }

  @Test
  void comesLaterWhenItIsNotThereAtFirst() throws Exception {
    int port;
    try (PopularityHost host = new PopularityHost()) {
      port = host.port();
    }
    PopularityAddress address =
        PopularityAddress.parse("X", "http://127.0.0.1:" + port + "/popularity.json?token=x");
    try (PopularityFeed feed = start(address, SHORT)) {
      assertThat(feed.get().packages()).isEmpty();
      assertThat(exposition()).contains("nixery_popularity_packages 0.0");
      try (PopularityHost host = new PopularityHost(port)) {
        host.publish("{\"glibc\": 70}");
        await(() -> feed.get().of("glibc") == 70);
      }
    }
  }

  @Test
  void doesNotKeepTheServerFromStarting() throws Exception {
    try (PopularityHost host = new PopularityHost()) {
      host.answer(exchange -> {
        try {
          Thread.sleep(Duration.ofMinutes(1));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      });
      try (PopularityFeed feed = start(host.address(), LONG, Duration.ofMillis(50))) {
        assertThat(feed.get().packages()).isEmpty();
      }
    }
  }

  @Test
  void keepsTheLastCopyForTheNextStart() throws Exception {
    try (PopularityHost host = new PopularityHost()) {
      host.publish("{\"glibc\": 70}");
      start(host.address(), LONG).close();
      try (PopularityFeed feed = start(host.address(), LONG)) {
        assertThat(feed.get().of("glibc")).isEqualTo(70);
      }
      assertThat(host.statuses()).containsExactly(200, 304);

      host.answer(exchange -> exchange.sendResponseHeaders(503, -1));
      try (PopularityFeed feed = start(host.address(), LONG)) {
        assertThat(feed.get().of("glibc")).isEqualTo(70);
      }
    }
  }

  @Test
  void copiesBelongToTheirAddress() throws Exception {
    Path file = Files.writeString(folder.resolve("a.json"), "{\"glibc\": 70}");
    start(new PopularityAddress.File(file), LONG).close();
    try (PopularityFeed feed = start(new PopularityAddress.File(folder.resolve("b.json")), LONG)) {
      assertThat(feed.get().packages()).isEmpty();
    }
  }

  @Test
  void addressesWithDifferentQueriesShareNoCopy() throws Exception {
    try (PopularityHost host = new PopularityHost()) {
      host.publish("{\"glibc\": 70}");
      start(host.address(), LONG).close();
      String other = "http://127.0.0.1:" + host.port() + "/popularity.json?channel=other";
      try (PopularityFeed feed = start(PopularityAddress.parse("X", other), LONG)) {
        assertThat(feed.get().of("glibc")).isEqualTo(70);
      }
      assertThat(host.statuses()).containsExactly(200, 200);
    }
  }

  @Test
  void doesWithoutADamagedCopy() throws Exception {
    try (PopularityHost host = new PopularityHost()) {
      host.publish("{\"glibc\": 70}");
      start(host.address(), LONG).close();
      try (var files = Files.list(folder.resolve("cache"))) {
        for (Path copy : files.filter(Files::isRegularFile).toList()) {
          Files.writeString(copy, "\"1\"\n\n{\"glibc\": 7");
        }
      }
      try (PopularityFeed feed = start(host.address(), LONG)) {
        assertThat(feed.get().of("glibc")).isEqualTo(70);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "{}", "{\"glibc\": 7", "<html>", "{\"version\": 2, \"packages\": {}}"})
  void badDataNeverReplaceGoodData(String bad) throws Exception {
    try (PopularityHost host = new PopularityHost()) {
      host.publish("{\"glibc\": 70}");
      try (PopularityFeed feed = start(host.address(), SHORT)) {
        host.publish(bad);
        await(() -> exposition().contains("nixery_popularity_loads_total{outcome=\"failed\"} 2.0"));
        assertThat(feed.get().of("glibc")).isEqualTo(70);

        host.publish("{\"glibc\": 71}");
        await(() -> feed.get().of("glibc") == 71);
      }
    }
  }

  @Test
  void badAnswersNeverReplaceGoodData() throws Exception {
    try (PopularityHost host = new PopularityHost()) {
      host.publish("{\"glibc\": 70}");
      try (PopularityFeed feed = start(host.address(), SHORT)) {
        for (PopularityHost.Answer answer :
            new PopularityHost.Answer[] {
              exchange -> exchange.sendResponseHeaders(500, -1),
              exchange -> exchange.sendResponseHeaders(204, -1),
              exchange -> {
                exchange.getResponseHeaders().add("Location", "file:///etc/passwd");
                exchange.sendResponseHeaders(302, -1);
              },
              exchange -> { // cut
                exchange.sendResponseHeaders(200, 1000);
                exchange.getResponseBody().write("{\"glibc\": 71}".getBytes(UTF_8));
              },
              exchange -> { // without end
                exchange.sendResponseHeaders(200, 0);
                byte[] blank = " ".repeat(1 << 20).getBytes(UTF_8);
                while (true) {
                  exchange.getResponseBody().write(blank);
                }
              }
            }) {
          host.answer(answer);
          host.next();
          host.next();
          assertThat(feed.get().of("glibc")).isEqualTo(70);
        }
      }
    }
  }

  @Test
  void readsAFileAgain() throws Exception {
    Path file = Files.writeString(folder.resolve("popularity.json"), "{\"glibc\": 70}");
    try (PopularityFeed feed = start(new PopularityAddress.File(file), SHORT)) {
      assertThat(feed.get().of("glibc")).isEqualTo(70);
      Files.writeString(file, "{\"glibc\": 71}");
      await(() -> feed.get().of("glibc") == 71);
      Files.delete(file);
      await(() -> exposition().contains("nixery_popularity_loads_total{outcome=\"failed\"} 2.0"));
      assertThat(feed.get().of("glibc")).isEqualTo(71);
    }
  }

  @Test
  void aFolderIsNoFile() throws IOException {
    try (PopularityFeed feed = start(new PopularityAddress.File(folder), LONG)) {
      assertThat(feed.get().packages()).isEmpty();
    }
  }
}
