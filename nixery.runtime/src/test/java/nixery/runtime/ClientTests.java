package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Images do in docker what people want of them. What clients do with images, see {@link
 * ClientTableTests}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ClientTests {

  /**
   * Not a temporary folder of JUnit's, which does not like to delete what daemons leave, nor one in
   * the project, whose path may be too long for podman and for sockets.
   */
  private Path folder;

  private TestServer server;
  private Daemon docker;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    folder = Files.createTempDirectory("clients");
    server = TestServer.start(folder.resolve("server"), Map.of());
    docker = Daemon.docker(folder.resolve("docker"));
  }

  @AfterAll
  void stop() {
    docker.close();
    server.close();
    Shell.run("rm", "-rf", folder.toString());
  }

  private String image(String name) {
    return "127.0.0.1:%d/%s".formatted(server.port(), name);
  }

  private String[] dockerCommand(String... arguments) {
    return Daemon.command(new String[] {"docker", "-H", "unix://" + docker.socket()}, arguments);
  }

  private String docker(String... arguments) {
    return Shell.run(dockerCommand(arguments));
  }

  private String inDocker(String name, String script) {
    docker("pull", "-q", image(name));
    return docker("run", "--rm", "--network=none", image(name), "bash", "-euc", script);
  }

  @Test
  void dockerPullsAndRuns() {
    docker("pull", "-q", image("shell/git"));
    assertThat(docker("run", "--rm", "--network=none", image("shell/git"), "git", "--version"))
        .startsWith("git version");
    // The command of a shell image is bash.
    assertThat(docker("inspect", "--format", "{{.Config.Cmd}}", image("shell/git")))
        .contains("bash");
  }

  @Test
  void gitClonesALocalRepository() {
    String script =
        """
        cd /tmp
        git init -q repository
        cd repository
        git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m "the commit"
        cd ..
        git clone -q repository clone
        git -C clone log --format=%s
        """;
    assertThat(inDocker("shell/git", script)).isEqualTo("the commit\n");
  }

  @Test
  void curlJqAndSqliteWork() {
    assertThat(inDocker("shell/curl", "curl --version")).startsWith("curl ");
    assertThat(inDocker("shell/jq", "echo '{\"a\": [1, 2]}' | jq -c .a[1]")).isEqualTo("2\n");
    assertThat(inDocker("shell/sqlite", "sqlite3 :memory: 'select 6 * 7'")).isEqualTo("42\n");
    assertThat(inDocker("shell/htop", "htop --version; nano --version | head -n 1"))
        .contains("htop")
        .contains("nano");
  }

  @Test
  void anOrdinaryUserCanWorkInTheImage() {
    docker("pull", "-q", image("shell"));
    String output =
        docker(
            "run",
            "--rm",
            "--network=none",
            "--user=1000:1000",
            image("shell"),
            "bash",
            "-euc",
            "echo written > /tmp/file; cat /tmp/file; stat -c %a /tmp; /usr/bin/env echo found; id -u");
    assertThat(output).isEqualTo("written\n1777\nfound\n1000\n");
  }

  @Test
  void tlsRootsAreFound() {
    // A root certificate is valid only where OpenSSL finds it among those it trusts.
    String script =
        """
        while read -r line; do
          case $line in '-----BEGIN'*) inside=yes ;; esac
          [ -z "${inside:-}" ] || echo "$line"
          case $line in '-----END'*) break ;; esac
        done < /etc/ssl/certs/ca-bundle.crt > /tmp/root.pem
        openssl verify /tmp/root.pem
        if SSL_CERT_FILE=/dev/null openssl verify /tmp/root.pem 2> /tmp/message; then exit 1; fi
        """;
    assertThat(inDocker("shell/openssl", script)).contains("/tmp/root.pem: OK");
  }
}
