package nixery.source.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import nixery.api.source.PackageSource;
import nixery.api.source.SourceUnavailableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the server does, there is an answer in time, and nothing half-done is kept. */
@Timeout(120)
class FailureTests extends HttpRepository {

  private static final Map<String, String> IMPATIENT =
      Map.of("NIXERY_GIT_TIMEOUT", "1", "NIXERY_GIT_FETCH_TIMEOUT", "3");

  private SourceUnavailableException failure(String address, String tag) throws IOException {
    return failure(address, tag, IMPATIENT);
  }

  private SourceUnavailableException failure(
      String address, String tag, Map<String, String> settings) throws IOException {
    try (PackageSource source = Sources.open(address, folder.resolve("cache"), settings)) {
      Throwable failure = catchThrowable(() -> source.checkout(source.resolve(tag)));
      assertThat(failure).isInstanceOf(SourceUnavailableException.class);
      assertThat(Sources.kept(folder.resolve("cache"))).isEmpty();
      return (SourceUnavailableException) failure;
    }
  }

  @Test
  void nobodyListens() throws IOException {
    http.close();
    assertThat(failure(http.url("set/.git"), "latest"))
        .hasMessageStartingWith("Nothing answers at " + http.url("set/.git"));
    assertThat(failure("ssh://git@127.0.0.1:%d/set".formatted(http.port()), "latest"))
        .hasMessageStartingWith("Nothing answers at ssh://git@127.0.0.1");
  }

  @Test
  void theHostIsUnknown() throws IOException {
    // However slow the name service is.
    assertThat(failure("https://nowhere.invalid/set", "latest", Map.of()))
        .hasMessageStartingWith("The host nowhere.invalid is unknown");
    assertThat(failure("git@nowhere.invalid:set", "latest", Map.of()))
        .hasMessageStartingWith("The host nowhere.invalid is unknown");
  }

  @Test
  void thereIsNoRepository() throws IOException {
    assertThat(failure(http.url("other"), "latest"))
        .hasMessageStartingWith("There is no repository at " + http.url("other"));
    assertThat(failure(folder.resolve("other").toString(), "latest"))
        .hasMessageStartingWith("There is no git repository at file://" + folder.resolve("other"));
  }

  @Test
  void theServerIsSilent() throws IOException {
    try (RawServer silent = new RawServer(connection -> Thread.sleep(60_000))) {
      assertThat(failure("http://127.0.0.1:%d/set".formatted(silent.port()), "latest"))
          .hasMessageContaining("NIXERY_GIT_TIMEOUT");
      assertThat(failure("ssh://git@127.0.0.1:%d/set".formatted(silent.port()), "latest"))
          .hasMessageContaining("NIXERY_GIT_TIMEOUT");
    }
  }

  @Test
  void theServerSendsAByteNowAndThen() throws IOException {
    try (RawServer slow =
        new RawServer(connection -> {
          connection
              .getOutputStream()
              .write("HTTP/1.1 200 OK\r\n".getBytes(StandardCharsets.US_ASCII));
          for (int i = 0; i < 600; i++) {
            connection.getOutputStream().write('x');
            Thread.sleep(100);
          }
        })) {
      assertThat(failure("http://127.0.0.1:%d/set".formatted(slow.port()), "latest"))
          .hasMessageContaining("NIXERY_GIT_TIMEOUT");
      assertThat(failure("http://127.0.0.1:%d/set".formatted(slow.port()), tree.head()))
          .hasMessageContaining("NIXERY_GIT_FETCH_TIMEOUT");
    }
  }

  @Test
  void theServerIsSilentWhileFetching() throws IOException {
    http.before =
        () -> {
          if (http.lookups.get() > 1) {
            try {
              Thread.sleep(60_000);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    assertThat(failure(http.url("set/.git"), "latest")).hasMessageContaining("NIXERY_GIT_TIMEOUT");
  }

  @Test
  void theConnectionIsCutWhileFetching() throws IOException {
    byte[] noise = new byte[1 << 20];
    new Random(1).nextBytes(noise);
    Files.write(tree.folder().resolve("noise"), noise);
    tree.commit();
    http.cutAfter = 300_000;
    String address = http.url("set/.git");
    try (PackageSource source = Sources.open(address, folder.resolve("cache"), IMPATIENT)) {
      Throwable failure = catchThrowable(() -> source.checkout(source.resolve("latest")));
      assertThat(failure)
          .isInstanceOf(SourceUnavailableException.class)
          .hasMessageContaining(address);
      assertThat(Sources.kept(folder.resolve("cache"))).isEmpty();
      try (Stream<Path> fetched = Files.walk(folder.resolve("cache/scratch"))) {
        assertThat(fetched).noneMatch(path -> path.toString().matches(".*incoming.*|.*\\.pack"));
      }

      http.cutAfter = Integer.MAX_VALUE;
      source.checkout(source.resolve("latest")).close();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {429, 500, 503})
  void theServerFailsWhileFetching(int status) throws IOException {
    http.fetchStatus = status;
    String address = http.url("set/.git");
    assertThat(failure(address, tree.head())).hasMessageContaining(String.valueOf(status));

    http.modern = false;
    assertThat(failure(address, tree.head())).hasMessageContaining(String.valueOf(status));
  }

  @Test
  void waitingForAnotherFetchDoesNotCount() throws Exception {
    String first = tree.head();
    String second = tree.commit("default.nix", "{ }: { release = 2; }");
    http.beforeFetch =
        () -> {
          try {
            Thread.sleep(3000);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    Map<String, String> settings = Map.of("NIXERY_GIT_FETCH_TIMEOUT", "5");
    try (PackageSource source =
            Sources.open(http.url("set/.git"), folder.resolve("cache"), settings);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> one = threads.submit(() -> source.checkout(source.resolve(first)).close());
      Future<?> other = threads.submit(() -> source.checkout(source.resolve(second)).close());
      one.get();
      other.get();
      assertThat(http.fetches).hasValue(2);
    }
  }

  @Test
  void theServerIsSomethingElse() throws IOException {
    try (RawServer other =
        RawServer.answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello")) {
      assertThat(failure("http://127.0.0.1:%d/set".formatted(other.port()), "latest"))
          .hasMessageContaining("cannot be read");
    }
  }
}
