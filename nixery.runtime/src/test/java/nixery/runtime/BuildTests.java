package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Images without a server: by the command {@code nixery build}, and by the Nix function. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class BuildTests {

  private static final Path FIXTURES = TestServer.DEMO.resolve("fixtures.nix");

  /** Where paths are short; not JUnit's, since daemons leave what it does not like to delete. */
  private Path folder;

  private Daemon docker;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    folder = Files.createTempDirectory("build");
    docker = Daemon.docker(folder.resolve("docker"));
  }

  @AfterAll
  void stop() {
    docker.close();
    Shell.run("rm", "-rf", folder.toString());
    // Copies of runtimes, and what was built with them, add up.
    Shell.run(
        "sh",
        "-euc",
        """
        cd "$1"
        export NIX_REMOTE="$1"
        copies=$(printf '/%s ' nix/store/*-nixery)
        users=$(nix-store --query --referrers-closure $copies)
        nix-store --delete --option keep-derivations false $users
        """,
        "sh",
        TestServer.NIX.toString());
  }

  private Shell.Result attempt(Map<String, String> variables, String... arguments)
      throws IOException {
    Map<String, String> environment = new TreeMap<>(variables);
    environment.putIfAbsent("NIXERY_STORAGE_BACKEND", "");
    environment.putIfAbsent("STORAGE_PATH", "");
    ProcessBuilder builder =
        TestServer.command(TestServer.RUNTIME, folder.resolve("command"), environment);
    builder.command().add("build");
    builder.command().addAll(List.of(arguments));
    return Shell.attempt(builder);
  }

  /** Builds with the command, and returns the digest. */
  private String build(String... arguments) throws IOException {
    return build(Map.of("NIXERY_PKGS_PATH", FIXTURES.toString()), arguments);
  }

  private String build(Map<String, String> variables, String... arguments) throws IOException {
    Shell.Result result = attempt(variables, arguments);
    assertThat(result.status()).as(result.output()).isZero();
    return result.output().lines().toList().getLast(); // after the log
  }

  private String docker(String... arguments) {
    return Shell.run(
        Daemon.command(new String[] {"docker", "-H", "unix://" + docker.socket()}, arguments));
  }

  /** Builds with the Nix function, and returns the store path. */
  private static String nix(String expression) {
    return nix(NixVersion.INSTALLED, expression);
  }

  private static String nix(NixVersion nix, String expression, String... options) {
    Shell.Result result = attempt(nix, expression, options);
    assertThat(result.status()).as("%s: %s", nix, result.output()).isZero();
    return result.output().lines().toList().getLast();
  }

  private static Shell.Result attempt(NixVersion nix, String expression, String... options) {
    String program =
        """
        let
          pkgs = import %s { };
          inherit (import %s { nixery = %s; inherit pkgs; }) buildImage;
        in
        """
            .formatted(FIXTURES, TestServer.PROJECT.resolve("nix"), TestServer.RUNTIME);
    List<String> command =
        new ArrayList<>(List.of(nix.program("nix-build"), "--no-out-link", "-E"));
    command.add(program + expression);
    command.addAll(List.of(options));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("NIX_REMOTE", TestServer.NIX.toString());
    // Debian's later versions want a shell of Debian's in the sandbox, which need not be installed.
    builder
        .environment()
        .merge(
            "NIX_CONFIG",
            "sandbox = %s\nsandbox-paths =".formatted(NixVersion.CAN_SANDBOX),
            (own, lines) -> own + "\n" + lines);
    return Shell.attempt(builder);
  }

  /** Returns the library that the server finds for gzip, if there is one, as Nix writes a path. */
  private static String libdeflate() {
    return Shell.attempt(List.of("/sbin/ldconfig", "-p"))
        .output()
        .lines()
        .filter(line -> line.contains("libdeflate.so.0 "))
        .findFirst()
        .map(line -> line.replaceAll(".* => ", ""))
        .orElse("null");
  }

  @Test
  void serverCommandAndNixFunctionMakeTheSameImage() throws IOException {
    // Several outputs, and file names of all kinds.
    String name = "curl/git/multi/nonutf8names/unicodenames";
    Path layout = folder.resolve("layout");
    Path popularity = Files.writeString(folder.resolve("popularity.json"), "{\"git\": 9999}");
    Map<String, String> variables =
        Map.of(
            "NIXERY_PKGS_PATH", FIXTURES.toString(),
            "NIX_POPULARITY_URL", popularity.toUri().toString());
    String digest =
        build(variables, name, "--format=oci-dir", "--name=equal", "-o", layout.toString());
    try (TestServer server = TestServer.start(folder.resolve("server"), variables)) {
      assertThat(Pull.image(server, name, "latest", TestServer.OCI_MANIFEST)).isEqualTo(digest);
    }
    String image =
        """
        buildImage {
          name = "equal";
          contents = with pkgs; [ curl git multi nonUtf8Names unicodeNames cacert iana-etc ];
          compressionLibrary = %s;
          popularity = %s;
        }
        """
            .formatted(libdeflate(), popularity);
    assertThat(Shell.run("diff", "-r", TestServer.NIX + nix(image), layout.toString())).isEmpty();
    for (NixVersion other : NixVersion.others()) {
      nix(other, image, "--check"); // builds it again, and compares
    }
  }

  @Test
  void clientsLoadAndRunWhatTheCommandWrites() throws IOException, InterruptedException {
    Path archive = folder.resolve("image.tar");
    build(
        "shell/git",
        "--output=" + archive,
        "--name=tools/git:v1",
        "--entrypoint=git",
        "--cmd=[\"version\"]",
        "--env=GIT_AUTHOR_NAME=a b",
        "--user=65534:65534",
        "--workdir=/tmp",
        "--label=key=value",
        "--port=8080",
        "--created=2026-11-23T12:00:00Z");

    assertThat(docker("load", "-i", archive.toString())).contains("tools/git:v1");
    assertThat(docker("run", "--rm", "--network=none", "tools/git:v1")).startsWith("git version");
    String script = "id -u; id -g; pwd; echo $GIT_AUTHOR_NAME";
    assertThat(
            docker(
                "run", "--rm", "--network=none", "--entrypoint=bash", "tools/git:v1", "-c", script))
        .isEqualTo("65534\n65534\n/tmp\na b\n");
    assertThat(
            docker(
                "inspect",
                "--format",
                "{{.Created}} {{.Config.Labels.key}} {{.Config.ExposedPorts}}",
                "tools/git:v1"))
        .isEqualTo("2026-11-23T12:00:00Z value map[8080/tcp:{}]\n");

    assertThat(podman("load", "-i", archive.toString())).contains("tools/git:v1");
    assertThat(podmanRun("docker.io/tools/git:v1")).contains("git version");
    for (String form : List.of("oci-archive:", "docker-archive:")) {
      assertThat(Shell.run("skopeo", "inspect", form + archive)).contains("\"key\": \"value\"");
    }
    try (Daemon containerd = Daemon.containerd(folder.resolve("containerd"))) {
      String[] ctr = {"ctr", "-a", containerd.socket().toString()};
      Shell.run(Daemon.command(ctr, "images", "import", "--no-unpack", archive.toString()));
      assertThat(Shell.run(Daemon.command(ctr, "images", "list", "-q")))
          .isEqualTo("docker.io/tools/git:v1\n");
    }
  }

  private String podman(String... arguments) {
    return Shell.run(
        Daemon.command(
            new String[] {
              "podman",
              "--root=" + folder.resolve("podman"),
              "--runroot=" + folder.resolve("podman-run"),
              "--storage-driver=overlay",
              "--runtime=runc",
              "--cgroup-manager=cgroupfs"
            },
            arguments));
  }

  private String podmanRun(String image) {
    return podman(
        "run",
        "--rm",
        "--network=none",
        "--ulimit=nofile=1024:1024",
        "--ulimit=nproc=4096:4096",
        image);
  }

  @Test
  void dockerAndPodmanRunWhatTheNixFunctionStreams() {
    String script =
        nix(
            """
            buildImage {
              name = "streamed/git";
              tag = "v2";
              contents = [ pkgs.git pkgs.bash pkgs.coreutils ];
              config = {
                # hello is not among the contents, and has to be in the image all the same
                Entrypoint = [ "${pkgs.hello}/bin/hello" ];
                Cmd = [ "--greeting=streamed" ];
                Env = [ "A=b c" ];
                User = "nobody";
                WorkingDir = "/tmp";
                Labels.key = "value";
                ExposedPorts."53/udp" = { };
              };
              created = "2026-11-23T12:00:00Z";
              maxLayers = 5;
              streaming = true;
            }
            """);
    // The store of the tests is elsewhere than its paths say.
    String stream = "mkdir -p /nix; mount --bind \"$1/nix\" /nix; exec \"$2\" > \"$3\"";
    String archive = folder.resolve("streamed.tar").toString();
    Shell.run(
        "unshare", "-m", "sh", "-euc", stream, "sh", TestServer.NIX.toString(), script, archive);

    assertThat(docker("load", "-i", archive)).contains("streamed/git:v2");
    assertThat(docker("run", "--rm", "--network=none", "streamed/git:v2")).isEqualTo("streamed\n");
    assertThat(podman("load", "-i", archive)).contains("streamed/git:v2");
    assertThat(podmanRun("docker.io/streamed/git:v2")).contains("streamed");
    String inside = "id -un; pwd; echo $A; git --version";
    assertThat(
            docker(
                "run",
                "--rm",
                "--network=none",
                "--entrypoint=bash",
                "streamed/git:v2",
                "-c",
                inside))
        .matches("nobody\n/tmp\nb c\ngit version .*\n");
    assertThat(
            docker(
                "inspect",
                "--format",
                "{{.Created}} {{.Config.Labels.key}} {{.Config.ExposedPorts}} {{len .RootFS.Layers}}",
                "streamed/git:v2"))
        .isEqualTo("2026-11-23T12:00:00Z value map[53/udp:{}] 5\n");
  }

  @Test
  void standardOutputGetsTheBytesOfTheFile() throws IOException {
    Path archive = folder.resolve("file.tar");
    build("tiny", "-o", archive.toString());
    Path storage = folder.resolve("kept");
    Map<String, String> variables =
        Map.of(
            "NIXERY_PKGS_PATH", FIXTURES.toString(),
            "NIXERY_STORAGE_BACKEND", "filesystem",
            "STORAGE_PATH", storage.toString());
    Path redirected = folder.resolve("redirected.tar");
    ProcessBuilder command =
        TestServer.command(TestServer.RUNTIME, folder.resolve("command"), variables);
    command.command().addAll(List.of("build", "tiny", "-o", "-"));
    // The second time from what the storage has kept.
    for (int i = 0; i < 2; i++) {
      Process process =
          command
              .redirectOutput(redirected.toFile())
              .redirectError(folder.resolve("log").toFile())
              .start();
      assertThat(process.onExit().join().exitValue()).isZero();
      assertThat(redirected).hasSameBinaryContentAs(archive);
    }
    assertThat(storage.resolve("objects/blobs")).isNotEmptyDirectory();
  }

  @Test
  void whatIsWrongIsSaidWithoutWritingAnything() throws IOException {
    Path target = Files.createDirectory(folder.resolve("wrong"));
    String file = target.resolve("image.tar").toString();
    Map<String, String> demo = Map.of();
    assertThat(attempt(demo, "gti", "-o", file))
        .isEqualTo(new Shell.Result(1, "nixery: no package 'gti' (similar: git)\n"));
    assertThat(attempt(demo, "git", "--tag=v1", "-o", file).output()).contains("v1");
    assertThat(attempt(demo, "git", "-o", target + "/nowhere/image.tar"))
        .isEqualTo(
            new Shell.Result(
                2,
                "nixery: %s/nowhere is not a folder that can be written to: choose another with -o.\n"
                    .formatted(target)));
    assertThat(attempt(demo, "git", "--format=oci-dir", "-o", folder.toString()))
        .isEqualTo(
            new Shell.Result(
                2,
                "nixery: %s is there already: remove it, or choose another with -o.\n"
                    .formatted(folder)));
    assertThat(attempt(Map.of("NIXERY_PKGS_PATH", ""), "git", "-o", file).status()).isEqualTo(2);
    assertThat(target).isEmptyDirectory();
  }

  @Test
  void theNixFunctionSaysWhatIsWrong() {
    Map<String, String> wrong =
        new TreeMap<>(
            Map.of(
                "config.Command = [ \"git\" ];", "config has no Command: it may have Cmd",
                "maxLayers = 1;", "nixery: maxLayers is 1, but the least is 2",
                "config.Cmd = \"git\";", "nixery: Cmd is not a list"));
    wrong.forEach((attribute, message) -> {
      String expression = "buildImage { name = \"a\"; contents = [ ]; %s }".formatted(attribute);
      Shell.Result result = attempt(NixVersion.INSTALLED, expression);
      assertThat(result.status()).isNotZero();
      assertThat(result.output()).contains(message);
    });
  }
}
