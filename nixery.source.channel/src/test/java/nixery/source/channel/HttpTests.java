package nixery.source.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class HttpTests {

  private static final Http.Deadlines DEADLINES = Http.Deadlines.within(Duration.ofSeconds(30));

  @ParameterizedTest
  @CsvSource({
    "http://a.example/x, http://b.example/y",
    "http://a.example/x, https://a.example/x",
    "https://a.example/x, HTTPS://b.example/y"
  })
  void followsTowardsTheSameOrMoreSecurity(URI from, URI to) {
    assertThatCode(() -> Http.checkStep(from, to)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource({
    "https://a.example/x, http://a.example/x, which is not encrypted",
    "HTTPS://a.example/x, http://b.example/y, which is not encrypted",
    "http://a.example/x, file:///etc/passwd, not http or https",
    "http://a.example/x, ftp://a.example/x, not http or https",
    "http://a.example/x, http:///x, not http or https",
    "http://a.example/x, x, not http or https"
  })
  void followsNothingElse(URI from, URI to, String message) {
    assertThatThrownBy(() -> Http.checkStep(from, to))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }

  @Test
  void showsNeitherCredentialsNorQueries() {
    assertThat(Http.show(URI.create("https://me:secret@a.example:8443/x/y?token=secret#z")))
        .isEqualTo("https://a.example:8443/x/y");
  }

  @Test
  void takesCredentialsOutOfRedirects() throws Exception {
    AtomicReference<String> seen = new AtomicReference<>("nothing");
    try (ChannelHost host = new ChannelHost();
        Http http = new Http(DEADLINES, List.of())) {
      host.answer(
          "/from",
          ChannelHost.redirect(307, host.origin().replace("//", "//me:secret@") + "/to?q=1"));
      host.answer(
          "/to",
          exchange -> {
            seen.set(
                exchange.getRequestURI()
                    + " "
                    + exchange.getRequestHeaders().getFirst("Host")
                    + " "
                    + exchange.getRequestHeaders().getFirst("Authorization"));
            ChannelHost.bytes("hello".getBytes(StandardCharsets.UTF_8)).to(exchange);
          });
      try (InputStream in = http.open(URI.create(host.origin() + "/from"), Duration.ofMinutes(1))) {
        assertThat(in.readAllBytes()).asString(StandardCharsets.UTF_8).isEqualTo("hello");
      }
      assertThat(seen).hasValue("/to?q=1 127.0.0.1:" + host.port() + " null");
    }
  }

  @Test
  void saysWhichHostCannotBeReached() {
    int port;
    try (ChannelHost gone = new ChannelHost()) {
      port = gone.port();
    }
    try (Http http = new Http(DEADLINES, List.of())) {
      URI uri = URI.create("http://127.0.0.1:" + port + "/x?token=secret");
      assertThatThrownBy(() -> http.open(uri, Duration.ofMinutes(1)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("http://127.0.0.1:" + port + "/x cannot be reached")
          .message()
          .doesNotContain("secret");
      assertThatThrownBy(
              () -> http.open(URI.create("http://no-such-host.invalid/x"), Duration.ofMinutes(1)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("http://no-such-host.invalid/x cannot be reached");
    }
  }
}
