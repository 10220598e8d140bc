package nixery.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Starts Nixery and the references, each in a folder of its own under one. */
final class Servers {

  static final Path PROJECT = Path.of("").toAbsolutePath();
  static final Path RUNTIME = PROJECT.resolve("nixery.runtime/target/nixery");

  static final Path NIX = PROJECT.resolve("bench/target/nix");

  private final Path folder;

  Servers(Path folder) {
    this.folder = folder;
  }

  Path folder(String name) throws IOException {
    return Files.createDirectories(folder.resolve(name));
  }

  /** Returns the variables of a Nixery with the demo packages that keeps all in one folder. */
  Map<String, String> variables(String name) throws IOException {
    Path own = folder(name);
    Files.createDirectories(NIX);
    Map<String, String> variables = new TreeMap<>();
    variables.put("PORT", "0");
    variables.put("NIXERY_HOST", "127.0.0.1");
    variables.put("NIXERY_STORAGE_BACKEND", "filesystem");
    variables.put("STORAGE_PATH", own.resolve("storage").toString());
    variables.put("NIXERY_CACHE", own.resolve("cache").toString());
    variables.put("NIXERY_PKGS_PATH", PROJECT.resolve("demo").toString());
    variables.put("NIX_REMOTE", NIX.toString());
    return variables;
  }

  /**
   * Returns the variables of a Nixery whose packages come from a commit, so that they have a
   * revision.
   */
  Map<String, String> revisionVariables(String name) throws IOException {
    Map<String, String> variables = variables(name);
    variables.remove("NIXERY_PKGS_PATH");
    variables.put("NIXERY_PKGS_REPO", repository().toUri().toString());
    return variables;
  }

  private Path repository() throws IOException {
    Path repository = folder.resolve("repository");
    if (!Files.exists(repository)) {
      Files.createDirectories(repository);
      Files.writeString(
          repository.resolve("default.nix"),
          """
          { system ? builtins.currentSystem, ... }:
          import %s { inherit system; }
          """
              .formatted(PROJECT.resolve("demo")));
      String at = repository.toString();
      Shell.run("git", "-C", at, "init", "-q", "-b", "main");
      Shell.run("git", "-C", at, "add", ".");
      Shell.run(
          "git",
          "-C",
          at,
          "-c",
          "user.name=bench",
          "-c",
          "user.email=bench@localhost",
          "commit",
          "-q",
          "-m",
          "the demo packages");
    }
    return repository;
  }

  Server nixery(Map<String, String> variables) throws IOException {
    return nixery(RUNTIME, variables);
  }

  Server nixery(Path runtime, Map<String, String> variables) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(runtime.resolve("bin/nixery").toString())
            .redirectError(ProcessBuilder.Redirect.appendTo(folder.resolve("nixery.log").toFile()));
    builder.environment().putAll(variables);
    Process process = builder.start();
    BufferedReader output = process.inputReader();
    String line = output.readLine();
    String text = "Nixery listens on port ";
    if (line == null || !line.startsWith(text)) {
      throw new IllegalStateException(
          "nixery does not start: see " + folder.resolve("nixery.log") + ": " + line);
    }
    String port = line.substring(text.length()).replaceAll("[^0-9].*", "");
    return new Server("nixery", process.toHandle(), "http://127.0.0.1:" + port);
  }

  /** Serves the files of a folder with nginx as Debian configures it, but without TLS and gzip. */
  Server nginx(Path files) throws IOException {
    Path own = folder("nginx");
    int port = freePort();
    Path config = own.resolve("nginx.conf");
    Files.writeString(
        config,
        """
        daemon off; worker_processes auto; pid %1$s/pid; user root;
        events { worker_connections 768; }
        http {
          sendfile on; tcp_nopush on; access_log %1$s/access.log; error_log %1$s/error.log;
          client_body_temp_path %1$s/t1; proxy_temp_path %1$s/t2; fastcgi_temp_path %1$s/t3;
          uwsgi_temp_path %1$s/t4; scgi_temp_path %1$s/t5;
          keepalive_requests 1000000000;
          server { listen 127.0.0.1:%2$d; root %3$s; }
        }
        """
            .formatted(own, port, files));
    return started("nginx", port, List.of("nginx", "-c", config.toString(), "-p", own.toString()));
  }

  /** Serves the files of a folder with Go's own file server. */
  Server go(Path files) throws IOException {
    Process process =
        new ProcessBuilder(reference(), "serve", files.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    return new Server(
        "go", process.toHandle(), "http://127.0.0.1:" + process.inputReader().readLine());
  }

  static String reference() {
    return PROJECT.resolve("bench/target/reference").toString();
  }

  /** Starts the registry that the others descend from, empty. */
  Server dockerRegistry() throws IOException {
    Path own = folder("docker-registry");
    int port = freePort();
    Path config = own.resolve("config.yml");
    Files.writeString(
        config,
        """
        version: 0.1
        log: {level: error, accesslog: {disabled: true}}
        storage: {filesystem: {rootdirectory: %s}}
        http: {addr: "127.0.0.1:%d"}
        """
            .formatted(own.resolve("data"), port));
    return started("docker-registry", port, List.of("docker-registry", "serve", config.toString()));
  }

  private Server started(String subject, int port, List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(folder.resolve(subject + ".log").toFile()))
            .start();
    for (int i = 0; i < 500; i++) {
      try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return new Server(subject, process.toHandle(), "http://127.0.0.1:" + port);
      } catch (IOException e) {
        if (!process.isAlive()) {
          break;
        }
        pause(20);
      }
    }
    throw new IllegalStateException(
        subject + " does not start: see " + folder.resolve(subject + ".log"));
  }

  static void pause(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
