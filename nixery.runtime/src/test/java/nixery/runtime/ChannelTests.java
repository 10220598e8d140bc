package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images of a channel, which a web server publishes as channels.nixos.org does. */
final class ChannelTests {

  private static final String REVISION = "0123456789abcdef0123456789abcdef01234567";
  private static final String STALE = "nixos-unstable is served as it was at ";

  @TempDir Path folder;

  private HttpServer host;
  private CountedNix nix;

  @BeforeEach
  void publish() throws IOException {
    nix = CountedNix.in(folder.resolve("bin"));
    byte[] tarball = tarball();
    host = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    String release = origin() + "/releases/one/nixexprs.tar.xz";
    host.createContext(
        "/channels/nixos-unstable/nixexprs.tar.xz", exchange -> redirect(exchange, release));
    host.createContext(
        "/releases/one/nixexprs.tar.xz",
        exchange -> {
          try (exchange) {
            exchange.sendResponseHeaders(200, tarball.length);
            exchange.getResponseBody().write(tarball);
          }
        });
    host.start();
  }

  /** Returns a tarball of the demo set, in one folder as those of channels are. */
  private byte[] tarball() throws IOException {
    Path top = Files.createDirectory(folder.resolve("nixos-unstable-1"));
    Files.writeString(
        top.resolve("default.nix"), "args: import %s args".formatted(TestServer.DEMO));
    Files.writeString(top.resolve(".git-revision"), REVISION);
    Path file = folder.resolve("nixexprs.tar.xz");
    Shell.run(
        "tar", "-C", folder.toString(), "-cJf", file.toString(), top.getFileName().toString());
    return Files.readAllBytes(file);
  }

  private static void redirect(HttpExchange exchange, String release) throws IOException {
    try (exchange) {
      String link = "<%s?rev=%s>; rel=\"immutable\"".formatted(release, REVISION);
      exchange.getResponseHeaders().add("Link", link);
      exchange.getResponseHeaders().add("Location", release);
      exchange.sendResponseHeaders(302, -1);
    }
  }

  private String origin() {
    return "http://127.0.0.1:" + host.getAddress().getPort();
  }

  @AfterEach
  void stop() {
    host.stop(0);
  }

  private TestServer serve(Map<String, String> more) throws IOException {
    Map<String, String> variables = new TreeMap<>();
    variables.put("NIXERY_PKGS_PATH", "");
    variables.put("NIXERY_CHANNEL", "nixos-unstable");
    variables.put("NIXERY_CHANNEL_URL", origin() + "/channels");
    variables.put("NIXERY_NIX_BIN", nix.folder().toString());
    variables.putAll(more);
    TestServer server = TestServer.start(folder.resolve("server"), variables);
    nix.reset();
    return server;
  }

  @Test
  void whatWasPulledOnceCostsNoNixProcess() throws IOException {
    try (TestServer server = serve(Map.of())) {
      String digest = server.pull("hello");
      assertThat(nix.calls("nix-instantiate")).isNotEmpty();

      nix.reset();
      assertThat(server.pull("hello")).isEqualTo(digest);
      // The commit by its id and the channel by its name are the same revision.
      for (String tag : List.of("nixos-unstable", REVISION)) {
        assertThat(Pull.image(server, "hello", tag, TestServer.DOCKER_MANIFEST)).isEqualTo(digest);
      }
      assertThat(nix.calls("nix-instantiate")).isEmpty();
      assertThat(nix.calls("nix-store")).isEmpty();
    }
  }

  @Test
  void aHostThatIsGoneIsWarnedOfOnceAndMissedByNobody() throws IOException, InterruptedException {
    try (TestServer server = serve(Map.of("NIXERY_CHANNEL_REFRESH", "1"))) {
      String digest = server.pull("hello");
      assertThat(warnings(server)).isEmpty();
      host.stop(0);

      long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
      while (warnings(server).isEmpty()) {
        assertThat(System.nanoTime()).as("waited for too long").isLessThan(deadline);
        assertThat(server.pull("hello")).isEqualTo(digest);
        Thread.sleep(100);
      }
      Thread.sleep(1500); // The host is asked again, in vain.
      assertThat(server.pull("hello")).isEqualTo(digest);
      server.pull("jq"); // Never built: its package set is still at hand.
      assertThat(warnings(server)).hasSize(1);
    }
  }

  private static List<String> warnings(TestServer server) throws IOException {
    return server.log().stream().filter(line -> line.contains(STALE)).toList();
  }

  @Test
  void theChannelIsListedAndOthersAreUnknown() throws IOException {
    try (TestServer server = serve(Map.of())) {
      assertThat(Pull.text(server.get("/v2/hello/tags/list").body()))
          .isEqualTo("{\"name\":\"hello\",\"tags\":[\"latest\",\"nixos-unstable\"]}");

      HttpResponse<byte[]> unknown = server.get("/v2/hello/manifests/nixos-99.99");
      assertThat(unknown.statusCode()).isEqualTo(404);
      assertThat(Pull.text(unknown.body()))
          .contains("MANIFEST_UNKNOWN")
          .contains("There is no channel 'nixos-99.99' at ");
    }
  }
}
