package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The image of the server itself, which {@code deploy/image} builds: it serves pulls in docker. */
final class OwnImageTests {

  private static final Path FOLDER = TestServer.PROJECT.resolve("nixery.runtime/target/own-image");
  private static final String IMAGE = "nixery:0.1.0-SNAPSHOT";

  /** No substituter has the demo set, and no build has users of its own. */
  private static final String NIX_CONFIG = "build-users-group =\nsandbox = false\nsubstituters =\n";

  private static Daemon docker;

  @BeforeAll
  static void buildAndLoad() throws IOException, InterruptedException {
    Shell.run("rm", "-rf", FOLDER.toString());
    Files.createDirectories(FOLDER);
    Path archive = FOLDER.resolve("nixery.tar");
    Path command = TestServer.PROJECT.resolve("deploy/image");
    ProcessBuilder build = new ProcessBuilder(command.toString(), archive.toString());
    build.environment().put("NIX_REMOTE", TestServer.NIX.toString());
    build.environment().put("NIXERY_CACHE", FOLDER.resolve("cache").toString());
    Files.createDirectories(TestServer.NIX);
    forgetOldRuntimes();
    Shell.Result built = Shell.attempt(build);
    assertThat(built.status()).as(built.output()).isZero();

    docker = Daemon.docker(FOLDER.resolve("docker"));
    assertThat(docker("load", "-i", archive.toString())).contains("Loaded image: " + IMAGE);
    Files.delete(archive);
  }

  /** Each link makes another store path, of 200 MB. */
  private static void forgetOldRuntimes() throws IOException {
    Path store = TestServer.NIX.resolve("nix/store");
    if (!Files.isDirectory(store)) {
      return;
    }
    try (Stream<Path> paths = Files.list(store)) {
      List<String> old =
          paths
              .map(path -> "/nix/store/" + path.getFileName())
              .filter(path -> path.matches(".*-nixery-(runtime|server|registration)"))
              .toList();
      if (!old.isEmpty()) {
        List<String> delete = new ArrayList<>(List.of("nix-store", "--delete"));
        delete.addAll(old);
        ProcessBuilder command = new ProcessBuilder(delete);
        command.environment().put("NIX_REMOTE", TestServer.NIX.toString());
        Shell.attempt(command); // what is still in use stays
      }
    }
  }

  @AfterAll
  static void stop() {
    if (docker != null) {
      docker.close();
    }
    Shell.run("chmod", "-R", "u+w", FOLDER.toString());
    Shell.run("rm", "-rf", FOLDER.toString());
  }

  @Test
  void itServesWhenItIsJustRun() throws IOException, InterruptedException {
    assertThat(pulled(List.of(), "hello", "hello")).isEqualTo("Hello, world!\n");
  }

  /** As the chart has it: no root, nothing writable but volumes, the store on one of them. */
  @Test
  void itServesAsAUserWithoutRights() throws IOException, InterruptedException {
    Path volume = Files.createDirectory(FOLDER.resolve("volume"));
    Shell.run("chown", "1000:1000", volume.toString());
    List<String> limits =
        List.of(
            "--read-only",
            "--user=1000:1000",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--tmpfs=/tmp:exec,mode=1777");
    List<String> prepare = new ArrayList<>(List.of("run", "--rm", "--network=none"));
    prepare.addAll(limits);
    prepare.addAll(
        List.of("-v", volume + ":/volume", "--entrypoint=/bin/nixery-store", IMAGE, "/volume"));
    docker(prepare.toArray(String[]::new));
    docker(prepare.toArray(String[]::new)); // once more, as when a pod is restarted

    List<String> options = new ArrayList<>(limits);
    options.addAll(
        List.of(
            "--tmpfs=/var/cache/nixery:uid=1000",
            "-v",
            volume.resolve("nix") + ":/nix",
            "-v",
            volume.resolve("layers") + ":/var/lib/nixery"));
    assertThat(pulled(options, "jq", "jq", "-n", "1 + 1")).isEqualTo("2\n");
    assertThat(volume.resolve("layers")).isNotEmptyDirectory();

    // What the image brought is what Nix thinks it is, and is not garbage.
    List<String> check = new ArrayList<>(List.of("run", "--rm", "--network=none"));
    check.addAll(limits);
    check.addAll(
        List.of(
            "-v",
            volume.resolve("nix") + ":/nix",
            "--entrypoint=/bin/sh",
            IMAGE,
            "-euc",
            "nix-store --gc >/dev/null 2>&1; nix-store --verify --check-contents 2>/dev/null; nixery --version"));
    assertThat(docker(check.toArray(String[]::new))).endsWith("nixery 0.1.0-SNAPSHOT\n");
  }

  /**
   * As the chart has it for another user than the image's: with a name for it. Podman and CRI-O
   * mount such files by themselves, for a group too.
   */
  @Test
  void nixAndSshWorkForAnyUserWithAName() throws IOException {
    Path volume = Files.createDirectory(FOLDER.resolve("volume-of-another"));
    Shell.run("chown", "20000:30000", volume.toString());
    Path passwd =
        Files.writeString(FOLDER.resolve("passwd"), "nixery:x:20000:30000::/home/nixery:/bin/sh\n");
    Path group = Files.writeString(FOLDER.resolve("group"), "nixery:x:30000:\n");
    List<String> run =
        List.of(
            "run",
            "--rm",
            "--network=none",
            "--user=20000:30000",
            "--read-only",
            "--cap-drop=ALL",
            "--tmpfs=/tmp:exec,mode=1777",
            "-v",
            passwd + ":/etc/passwd:ro",
            "-v",
            group + ":/etc/group:ro");
    List<String> prepare = new ArrayList<>(run);
    prepare.addAll(
        List.of("-v", volume + ":/volume", "--entrypoint=/bin/nixery-store", IMAGE, "/volume"));
    docker(prepare.toArray(String[]::new));

    List<String> use = new ArrayList<>(run);
    use.addAll(
        List.of(
            "-v",
            volume.resolve("nix") + ":/nix",
            "-e",
            "XDG_CACHE_HOME=/tmp",
            "--entrypoint=/bin/sh",
            IMAGE,
            "-euc",
            "nix-instantiate --eval -E 'builtins.toFile \"a\" \"\"' >&2; ssh -G git.example.org"));
    assertThat(docker(use.toArray(String[]::new))).contains("user nixery\n");

    // In the store both files are the image's, whatever was mounted over them.
    docker(
        "run",
        "--rm",
        "--network=none",
        "-v",
        volume.resolve("nix") + ":/nix",
        "--entrypoint=/bin/nix-store",
        IMAGE,
        "--verify",
        "--check-contents");
  }

  @Test
  void itHasGitAndSsh() {
    assertThat(
            docker(
                "run",
                "--rm",
                "--network=none",
                "--entrypoint=/bin/sh",
                IMAGE,
                "-euc",
                "git --version; ssh -V; test -s /etc/ssl/certs/ca-bundle.crt"))
        .contains("git version", "OpenSSH");
  }

  /** Runs the server in a container, and what it makes in another. */
  private static String pulled(List<String> options, String name, String... program)
      throws IOException, InterruptedException {
    int port = freePort();
    List<String> run = new ArrayList<>(List.of("run", "-d", "--network=host"));
    run.addAll(options);
    run.addAll(
        List.of(
            "-v",
            TestServer.DEMO + ":/demo:ro",
            "-e",
            "NIXERY_PKGS_PATH=/demo",
            "-e",
            "PORT=" + port,
            "-e",
            "NIX_CONFIG=" + NIX_CONFIG,
            IMAGE));
    String container = docker(run.toArray(String[]::new)).strip();
    try {
      awaitReady(port, container);
      String image = "localhost:" + port + "/" + name;
      docker("pull", "-q", image);
      List<String> use = new ArrayList<>(List.of("run", "--rm", "--network=none", image));
      use.addAll(Arrays.asList(program));
      String output = docker(use.toArray(String[]::new));
      leaveAnOrphan(container);
      assertThat(
              Shell.attempt(List.of("docker", "-H", "unix://" + docker.socket(), "logs", container))
                  .output())
          .as("the image brings a fast library")
          .contains("libdeflate.so.0");
      docker("stop", "-t", "30", container);
      assertThat(docker("inspect", "-f", "{{.State.ExitCode}}", container).strip())
          .as("it ends when it is told to, and not by force: %s", docker("logs", container))
          .isNotEqualTo("137");
      return output;
    } finally {
      docker("rm", "-f", container);
    }
  }

  /** As a build without a sandbox does that puts a program into the background. */
  private static void leaveAnOrphan(String container) {
    docker(
        "exec",
        container,
        "/bin/sh",
        "-euc",
        """
        (sh -c 'echo $$ >/tmp/orphan' &)
        timeout 20 sh -euc '
          until [ -s /tmp/orphan ]; do sleep 0.1; done
          while [ -e "/proc/$(cat /tmp/orphan)" ]; do sleep 0.1; done
        '
        """);
  }

  private static void awaitReady(int port, String container)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
    HttpRequest ready =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/health/ready")).build();
    try (HttpClient http = HttpClient.newHttpClient()) {
      while (true) {
        try {
          if (http.send(ready, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
            return;
          }
        } catch (IOException e) {
          // It does not listen yet.
        }
        assertThat(System.nanoTime())
            .as("it becomes ready: %s", docker("logs", container))
            .isLessThan(deadline);
        Thread.sleep(100);
      }
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static String docker(String... arguments) {
    return Shell.run(
        Daemon.command(new String[] {"docker", "-H", "unix://" + docker.socket()}, arguments));
  }
}
