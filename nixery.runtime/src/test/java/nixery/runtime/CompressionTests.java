package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers that compress with different libraries. */
final class CompressionTests {

  @TempDir Path folder;

  /** Starts a server for which the dynamic linker finds a file that is no library. */
  private TestServer withoutLibdeflate(Path storage) throws IOException {
    Path libraries = Files.createDirectories(folder.resolve("libraries"));
    Files.writeString(libraries.resolve("libdeflate.so.0"), "not a library");
    TestServer server =
        TestServer.start(
            folder.resolve("server"),
            Map.of("LD_LIBRARY_PATH", libraries.toString(), "STORAGE_PATH", storage.toString()));
    assertThat(server.log()).anyMatch(line -> line.contains(", gzip level 5 by java.util.zip ("));
    return server;
  }

  @Test
  void serversOnOneStorageShareWhatTheyPack() throws IOException {
    Path storage = folder.resolve("storage");
    String packed;
    try (TestServer server =
        TestServer.start(folder.resolve("server"), Map.of("STORAGE_PATH", storage.toString()))) {
      packed = server.pull("hello");
      assertThat(server.log())
          .anyMatch(line -> line.contains(", gzip level 5 by libdeflate.so.0 ("))
          .noneMatch(line -> line.contains("WARNING"));
    }
    try (TestServer server = withoutLibdeflate(storage)) {
      assertThat(server.pull("hello")).isEqualTo(packed);
      // Some layers of jq are there; the others are packed with the other library.
      server.pull("jq");
      assertThat(server.pull("hello")).isEqualTo(packed);
    }
    try (TestServer server = withoutLibdeflate(folder.resolve("other storage"))) {
      assertThat(server.pull("hello")).isNotEqualTo(packed);
    }
  }

  /** As docs/compression.md says. */
  @Test
  void zstdLayersAreReadByThoseWhoKnowThem() throws Exception {
    // Not a folder of JUnit's, which does not like to delete what daemons leave.
    Path clients = Files.createTempDirectory("zstd");
    try (TestServer server =
        TestServer.start(
            folder.resolve("server"),
            Map.of(
                "NIXERY_COMPRESSION",
                "zstd",
                "STORAGE_PATH",
                folder.resolve("storage").toString()))) {
      assertThat(server.log()).anyMatch(line -> line.contains(", zstd level 2 by libzstd.so.1 ("));
      HttpResponse<byte[]> refusal =
          server.get("/v2/hello/manifests/latest", "Accept", TestServer.DOCKER_MANIFEST);
      assertThat(refusal.statusCode()).isEqualTo(404);
      assertThat(Pull.text(refusal.body()))
          .contains("MANIFEST_UNKNOWN", "compresses layers with zstd");

      String hello = "127.0.0.1:%d/hello:latest".formatted(server.port());
      podman(hello, clients);
      skopeo(hello, clients.resolve("skopeo"));
      try (Daemon containerd = Daemon.containerd(clients.resolve("containerd"))) {
        String[] ctr = {"ctr", "-a", containerd.socket().toString()};
        Shell.run(Daemon.command(ctr, "images", "pull", "--plain-http", hello));
        assertThat(
                Shell.run(
                    Daemon.command(
                        ctr, "run", "--rm", "--snapshotter=native", hello, "test", "hello")))
            .contains("Hello, world!");
      }
      docker(Path.of(""), hello, clients.resolve("docker"));
      if (!"1".equals(System.getenv("NIXERY_TEST_CLIENTS_UNFETCHABLE"))) {
        docker(ClientTableTests.newerClients(), hello, clients.resolve("newer"));
      }
    } finally {
      // Podman leaves this mounted, on some machines.
      Shell.attempt(List.of("umount", "-l", clients.resolve("podman/overlay").toString()));
      Shell.run("rm", "-rf", clients.toString());
    }
  }

  private static void podman(String image, Path folder) {
    assertThat(
            Shell.run(
                "podman",
                "--root=" + folder.resolve("podman"),
                "--runroot=" + folder.resolve("podman-run"),
                "--storage-driver=overlay",
                "--runtime=runc",
                "--cgroup-manager=cgroupfs",
                "run",
                "--rm",
                "--tls-verify=false",
                "--network=none",
                "--ulimit=nofile=1024:1024",
                "--ulimit=nproc=4096:4096",
                image,
                "hello"))
        .contains("Hello, world!");
  }

  private static void skopeo(String image, Path copy) {
    Shell.run(
        "skopeo",
        "--insecure-policy",
        "copy",
        "--src-tls-verify=false",
        "--dest-decompress",
        "docker://" + image,
        "dir:" + copy);
    // Of the files, those that are not text are archives.
    String list = "cd \"$1\"; for f in [0-9a-f]*; do grep -qI . $f || tar -tf $f; done";
    assertThat(Shell.run("sh", "-ec", list, "sh", copy.toString())).contains("bin/hello");
  }

  /** Docker before version 23 takes the manifest, and fails at the layers. */
  private static void docker(Path programs, String image, Path folder) throws Exception {
    try (Daemon daemon = Daemon.docker(programs, folder)) {
      String program =
          programs.toString().isEmpty() ? "docker" : programs.resolve("docker").toString();
      String[] docker = {program, "-H", "unix://" + daemon.socket()};
      String version =
          Shell.run(Daemon.command(docker, "version", "--format={{.Server.Version}}")).strip();
      Shell.Result pulled = Shell.attempt(List.of(Daemon.command(docker, "pull", "-q", image)));
      assertThat(pulled.status() == 0)
          .as("%s: %s", version, pulled.output())
          .isEqualTo(Integer.parseInt(version.replaceAll("\\..*", "")) >= 23);
    }
  }
}
