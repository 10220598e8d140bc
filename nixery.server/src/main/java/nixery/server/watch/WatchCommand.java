package nixery.server.watch;

import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Asks a server for an image, as a pull does, and follows the build if there is one. Servers that
 * show no builds are asked all the same.
 */
public final class WatchCommand {

  private static final int FAILED = 1;
  private static final int NOT_ASKED = 2;
  private static final int MAX_ATTEMPTS = 5;
  private static final Duration CONNECTING = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final String ACCEPT =
      "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json,"
          + " application/vnd.docker.distribution.manifest.v2+json";
  private static final JsonMapper JSON = new JsonMapper();

  private final WatchOptions options;
  private final PrintStream out;
  private final PrintStream err;
  private final Duration pause;
  private final HttpClient client =
      HttpClient.newBuilder()
          .connectTimeout(CONNECTING)
          .version(HttpClient.Version.HTTP_1_1)
          .followRedirects(HttpClient.Redirect.NORMAL)
          .build();

  /** What became of it. */
  private sealed interface Result {
    record Ready(String digest) implements Result {}

    record Failed(String message) implements Result {}
  }

  /**
   * Creates the command.
   *
   * @param options what to do
   * @param out is given the digest
   * @param err is given everything else
   */
  public WatchCommand(WatchOptions options, PrintStream out, PrintStream err) {
    this(options, out, err, PAUSE);
  }

  WatchCommand(WatchOptions options, PrintStream out, PrintStream err, Duration pause) {
    this.options = options;
    this.out = out;
    this.err = err;
    this.pause = pause;
  }

  /**
   * Watches until the image is there, or cannot be.
   *
   * @return the exit status
   */
  public int run() {
    try (client) {
      return switch (watch()) {
        case Result.Ready(String digest) -> {
          out.println(Display.plain(digest));
          yield 0;
        }
        case Result.Failed(String message) -> {
          err.println("nixery: " + Display.plain(message));
          yield FAILED;
        }
      };
    } catch (IOException | UncheckedIOException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      String why =
          e instanceof ConnectException || cause instanceof ConnectException
              ? "nothing listens there"
              : cause.toString();
      err.println("nixery: " + options.server() + " cannot be asked: " + Display.plain(why));
      return NOT_ASKED;
    } catch (JacksonException e) {
      return notUnderstood(e.getOriginalMessage());
    } catch (IllegalStateException e) {
      return notUnderstood(e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return NOT_ASKED;
    }
  }

  private int notUnderstood(String why) {
    err.println(
        "nixery: %s does not tell how the build goes in a form that is known here: %s"
            .formatted(options.server(), Display.plain(why)));
    return NOT_ASKED;
  }

  private static boolean isTerminal() {
    return Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent();
  }

  private static int columns() {
    String columns = System.getenv().getOrDefault("COLUMNS", "");
    return columns.matches("[1-9][0-9]{0,3}") ? Integer.parseInt(columns) : 0;
  }

  private Result watch() throws IOException, InterruptedException {
    try (Display display = new Display(err, isTerminal(), columns())) {
      return watch(display);
    }
  }

  private Result watch(Display display) throws IOException, InterruptedException {
    HttpResponse<String> started =
        client.send(
            request("/builds?image=" + encoded(options.name()) + "&tag=" + encoded(options.tag()))
                .header("Accept", "application/json")
                .POST(HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
    Optional<String> events = text(started.body(), "events");
    if (started.statusCode() == 200 && events.isPresent()) {
      Optional<Result> failure = follow(events.get(), display);
      if (failure.isPresent()) {
        return failure.get();
      }
    }
    return ask(display);
  }

  /** Follows a build to its end, also when the connection breaks now and then. */
  private Optional<Result> follow(String path, Display display)
      throws IOException, InterruptedException {
    String lastId = "";
    int attempts = 0;
    while (true) {
      HttpRequest.Builder request = request(path).header("Accept", "text/event-stream");
      if (!lastId.isEmpty()) {
        request.header("Last-Event-ID", Display.plain(lastId));
      }
      EventReader reader = new EventReader(Collections.emptyIterator());
      IOException failure = new IOException("the server has ended the connection");
      try {
        HttpResponse<Stream<String>> response =
            client.send(request.build(), HttpResponse.BodyHandlers.ofLines());
        try (Stream<String> lines = response.body()) {
          if (response.statusCode() != 200) {
            // Not known any more, or too many look on: the outcome can be had all the same.
            return Optional.empty();
          }
          reader = new EventReader(lines.iterator());
          Outcome outcome = show(reader, display);
          if (outcome.ended) {
            return outcome.failure;
          }
        }
      } catch (IOException e) {
        failure = e;
      } catch (UncheckedIOException e) {
        failure = e.getCause();
      }
      if (!reader.lastId().isEmpty()) {
        lastId = reader.lastId();
      }
      attempts = reader.hasRead() ? 1 : attempts + 1;
      if (attempts == MAX_ATTEMPTS) {
        throw failure;
      }
      Thread.sleep(pause);
    }
  }

  /** How a stream of events ended. */
  private record Outcome(boolean ended, Optional<Result> failure) {}

  private static Outcome show(EventReader events, Display display) {
    Optional<Result> failure = Optional.empty();
    while (true) {
      Optional<EventReader.Event> event = events.next();
      if (event.isEmpty()) {
        return new Outcome(false, failure);
      }
      String data = event.get().data();
      switch (event.get().type()) {
        case "log" -> data.lines().forEach(display::line);
        case "state" -> {
          JsonNode state = JSON.readTree(data);
          display.progress(
              state.path("fraction").asDouble(0),
              state.path("title").asString(""),
              state.path("detail").asString(""),
              state.path("elapsed").asString(""));
          failure =
              state.path("outcome").asString("").equals("failed")
                  ? Optional.of(new Result.Failed(state.path("message").asString("")))
                  : Optional.empty();
        }
        case "end" -> {
          return new Outcome(true, failure);
        }
        default -> {} // a newer server's
      }
    }
  }

  /** Asks for the manifest, which is there, or makes the server build the image. */
  private Result ask(Display display) throws IOException, InterruptedException {
    display.progress(1, "Ask for the manifest", "", "");
    HttpResponse<String> manifest =
        client.send(
            request("/v2/" + options.name() + "/manifests/" + options.tag())
                .header("Accept", ACCEPT)
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (manifest.statusCode() == 200) {
      return new Result.Ready(
          manifest.headers().firstValue("Docker-Content-Digest").orElse("unknown"));
    }
    String message =
        json(manifest.body())
            .map(body -> body.path("errors").path(0).path("message").asString(""))
            .filter(text -> !text.isEmpty())
            .orElse("the server answers with status " + manifest.statusCode());
    return new Result.Failed(message);
  }

  private HttpRequest.Builder request(String path) throws IOException {
    try {
      return HttpRequest.newBuilder(URI.create(options.server() + path));
    } catch (IllegalArgumentException e) {
      throw new IOException("'" + path + "' is no address", e);
    }
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private static Optional<String> text(String body, String field) {
    return json(body)
        .map(node -> node.path(field).asString(""))
        .filter(text -> text.startsWith("/"));
  }

  private static Optional<JsonNode> json(String body) {
    try {
      return Optional.of(JSON.readTree(body));
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }
}
