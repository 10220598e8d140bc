package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A linked runtime that runs as a process of its own. */
final class TestServer implements AutoCloseable {

  /** The folder of the whole project. */
  static final Path PROJECT = Path.of("..").toAbsolutePath().normalize();

  /** The runtime that the build links, with all plugins. */
  static final Path RUNTIME = PROJECT.resolve("nixery.runtime/target/nixery");

  /** A Nix store for these tests alone, kept between runs. */
  static final Path NIX = PROJECT.resolve("nixery.runtime/target/nix");

  static final Path DEMO = PROJECT.resolve("demo");

  static final String DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
  static final String OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

  private static final Pattern LISTENS = Pattern.compile("Nixery listens on port (\\d+)\\..*");

  private final HttpClient http =
      HttpClient.newBuilder().followRedirects(HttpClient.Redirect.ALWAYS).build();
  private final Process process;
  private final Path log;
  private final int port;

  private TestServer(Process process, Path log, int port) {
    this.process = process;
    this.log = log;
    this.port = port;
  }

  /**
   * Starts a runtime on a free port.
   *
   * @param folder for its storage, cache and log, unless the variables say otherwise
   */
  static TestServer start(Path runtime, Path folder, Map<String, String> variables)
      throws IOException {
    Files.createDirectories(folder);
    Path log = Files.createTempFile(folder, "server", ".log");
    ProcessBuilder builder = command(runtime, folder, variables);
    Process process = builder.redirectError(log.toFile()).start();
    BufferedReader output = process.inputReader();
    String line = output.readLine();
    Matcher listens = LISTENS.matcher(line == null ? "" : line);
    assertThat(listens.matches())
        .as("the server starts; it says %s and logs %s", line, Files.readString(log))
        .isTrue();
    return new TestServer(process, log, Integer.parseInt(listens.group(1)));
  }

  static TestServer start(Path folder, Map<String, String> variables) throws IOException {
    return start(RUNTIME, folder, variables);
  }

  /** Prepares the command {@code nixery} with the demo packages in an own storage. */
  static ProcessBuilder command(Path runtime, Path folder, Map<String, String> variables)
      throws IOException {
    Files.createDirectories(NIX);
    ProcessBuilder builder =
        new ProcessBuilder(
            "env",
            "--default-signal=INT", // which is ignored where the tests run in the background
            runtime.resolve("bin/nixery").toString());
    Map<String, String> environment = new TreeMap<>();
    environment.put("PORT", "0");
    environment.put("NIXERY_HOST", "127.0.0.1");
    environment.put("NIXERY_GRACE", "2"); // what a test has left running, nobody waits for
    environment.put("NIXERY_STORAGE_BACKEND", "filesystem");
    environment.put("STORAGE_PATH", folder.resolve("storage").toString());
    environment.put("NIXERY_CACHE", folder.resolve("cache").toString());
    environment.put("NIXERY_PKGS_PATH", DEMO.toString());
    environment.put("NIX_REMOTE", NIX.toString());
    environment.putAll(variables);
    builder.environment().putAll(environment);
    return builder;
  }

  int port() {
    return port;
  }

  ProcessHandle process() {
    return process.toHandle();
  }

  /** Returns the status that the process has ended with. */
  int exitStatus() throws InterruptedException {
    return process.waitFor();
  }

  /** Returns what the server has logged so far. */
  List<String> log() throws IOException {
    return Files.readAllLines(log);
  }

  HttpResponse<byte[]> get(String path, String... headers) {
    try {
      return http.send(request(path, headers), HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new AssertionError("GET " + path, e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  CompletableFuture<HttpResponse<byte[]>> getAsync(String path, String... headers) {
    return http.sendAsync(request(path, headers), HttpResponse.BodyHandlers.ofByteArray());
  }

  private HttpRequest request(String path, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofMinutes(5));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return request.build();
  }

  /** Pulls an image as a client would, checks every digest, and returns its manifest's. */
  String pull(String name) {
    return Pull.image(this, name, "latest", DOCKER_MANIFEST);
  }

  /** Ends the process as a service manager would. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("the server does not stop");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Ends the process with SIGKILL. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }
}
