package nixery.server.popularity;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import nixery.server.popularity.PopularityCopy.Validators;

/** Fetches popularity data, bounded in size and time. */
final class PopularityFetcher implements AutoCloseable {

  /** In bytes. Data of nixpkgs have a few MB. */
  private static final int MOST = 64 << 20;

  private final Duration patience;
  private final HttpClient client;

  /**
   * Makes one.
   *
   * @param patience how long an answer may take, from the request to its last byte
   */
  PopularityFetcher(Duration patience) {
    this.patience = patience;
    this.client =
        HttpClient.newBuilder()
            // Which goes from http to https, and never the other way.
            .followRedirects(HttpClient.Redirect.NORMAL)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
  }

  /**
   * Fetches data.
   *
   * @param address where they are
   * @param known the validators of what was fetched last, if anything was
   * @return the data; empty if the web server says that they are those that are known
   * @throws IOException with a message that says what is wrong with which address
   * @throws InterruptedException if the thread was interrupted
   */
  Optional<PopularityCopy> fetch(PopularityAddress address, Optional<Validators> known)
      throws IOException, InterruptedException {
    return switch (address) {
      case PopularityAddress.File(Path path) -> Optional.of(read(path));
      case PopularityAddress.Web web -> get(web, known);
    };
  }

  private static PopularityCopy read(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new IOException("there is no such file");
    }
    if (!Files.isRegularFile(path)) {
      throw new IOException("it is not a file"); // and might never end
    }
    try (InputStream in = Files.newInputStream(path)) {
      byte[] data = in.readNBytes(MOST + 1);
      if (data.length > MOST) {
        throw new IOException("it has more than " + MOST + " bytes");
      }
      return new PopularityCopy(new Validators(Optional.empty(), Optional.empty()), data);
    }
  }

  private Optional<PopularityCopy> get(PopularityAddress.Web address, Optional<Validators> known)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address.uri()).header("User-Agent", "nixery").timeout(patience);
    known.flatMap(Validators::etag).ifPresent(etag -> request.header("If-None-Match", etag));
    known
        .flatMap(Validators::lastModified)
        .ifPresent(time -> request.header("If-Modified-Since", time));
    HttpResponse<byte[]> response = send(request.build());
    if (response.statusCode() == 304 && known.isPresent()) {
      return Optional.empty();
    }
    if (response.statusCode() != 200) {
      throw new IOException("status " + response.statusCode());
    }
    return Optional.of(
        new PopularityCopy(
            new Validators(header(response, "ETag"), header(response, "Last-Modified")),
            response.body()));
  }

  private static Optional<String> header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name);
  }

  private HttpResponse<byte[]> send(HttpRequest request) throws IOException, InterruptedException {
    BodyHandler<byte[]> body =
        info ->
            info.statusCode() == 200
                ? BodyHandlers.limiting(BodyHandlers.ofByteArray(), MOST).apply(info)
                : BodySubscribers.replacing(new byte[0]);
    CompletableFuture<HttpResponse<byte[]>> answer = client.sendAsync(request, body);
    try {
      return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      String reason = cause.getMessage();
      if (cause instanceof ConnectException) {
        reason = "no connection"; // what it says itself differs, or is nothing
      } else if (reason == null) {
        reason = cause.getClass().getSimpleName();
      }
      throw new IOException(reason, cause);
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + patience.toSeconds() + " seconds", e);
    } finally {
      answer.cancel(true);
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
