package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** An image's tag in docker is a tag of the repository with the package set. */
final class TagsInDockerTests {

  /** Not a temporary folder of JUnit's, which does not like to delete what daemons leave. */
  private final Path folder = TestServer.PROJECT.resolve("nixery.runtime/target/tags-in-docker");

  private final Path repository = folder.resolve("repository");

  @Test
  void dockerRunsWhatTheTagHolds() throws IOException, InterruptedException {
    Shell.run("rm", "-rf", folder.toString());
    Files.createDirectories(repository);
    git("init", "-q");
    release("v1");
    release("v2");
    Map<String, String> variables =
        Map.of("NIXERY_PKGS_PATH", "", "NIXERY_PKGS_REPO", repository.toUri().toString());
    try (TestServer server = TestServer.start(folder.resolve("server"), variables);
        Daemon docker = Daemon.docker(folder.resolve("docker"))) {
      assertThat(greeting(server, docker, "release-v2")).isEqualTo("This is v2.\n");
      assertThat(greeting(server, docker, "release-v1")).isEqualTo("This is v1.\n");
    }
  }

  /** Commits and tags a package set whose package greets with its version. */
  private void release(String version) throws IOException {
    Files.writeString(
        repository.resolve("default.nix"),
        """
        { system ? builtins.currentSystem, ... }:
        let demo = import %s { inherit system; };
        in demo // {
          greeting = derivation {
            name = "greeting";
            system = builtins.currentSystem;
            builder = "${demo.bash}/bin/bash";
            PATH = "${demo.coreutils}/bin";
            args = [ "-euc" ''
              mkdir -p "$out/bin"
              printf '#!%%s\\necho This is %s.\\n' ${demo.bash}/bin/bash > "$out/bin/greeting"
              chmod +x "$out/bin/greeting"
            '' ];
          };
        }
        """
            .formatted(TestServer.DEMO, version));
    git("add", ".");
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", version);
    git("tag", "release-" + version);
  }

  private void git(String... arguments) {
    Shell.run(Daemon.command(new String[] {"git", "-C", repository.toString()}, arguments));
  }

  private static String greeting(TestServer server, Daemon docker, String tag) {
    String[] command = {"docker", "-H", "unix://" + docker.socket()};
    String image = "127.0.0.1:%d/greeting:%s".formatted(server.port(), tag);
    Shell.run(Daemon.command(command, "pull", "-q", image));
    return Shell.run(Daemon.command(command, "run", "--rm", "--network=none", image, "greeting"));
  }
}
