package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images of package sets that have revisions: what is known of a revision is not asked again. */
final class RevisionTests {

  @TempDir Path folder;

  private Path repository;
  private CountedNix nix;

  @BeforeEach
  void makeRepository() throws IOException {
    nix = CountedNix.in(folder.resolve("bin"));
    repository = folder.resolve("repository");
    git("init", "-q", "-b", "main", repository.toString());
    commit("first");
    git("tag", "-a", "-m", "the first", "release-v1");
    commit("second");
    git("tag", "release-v2");
  }

  /** Commits the demo set, with a package that is in this revision alone. */
  private void commit(String name) throws IOException {
    Files.writeString(
        repository.resolve("default.nix"),
        """
        { system ? builtins.currentSystem, ... }:
        import %s { inherit system; } // {
          %2$s = derivation {
            name = "%2$s";
            system = builtins.currentSystem;
            builder = "${(import %1$s { }).bash}/bin/bash";
            args = [ "-c" "echo %2$s > $out" ];
          };
        }
        """
            .formatted(TestServer.DEMO, name));
    git("add", "default.nix");
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", name);
  }

  private String git(String... arguments) {
    String[] command = Daemon.command(new String[] {"git", "-C", folder.toString()}, arguments);
    if (Files.isDirectory(repository.resolve(".git"))) {
      command[2] = repository.toString();
    }
    return Shell.run(command).strip();
  }

  private TestServer serve(String name, Map<String, String> more) throws IOException {
    Map<String, String> variables = new TreeMap<>();
    variables.put("NIXERY_PKGS_PATH", "");
    variables.put("NIXERY_PKGS_REPO", repository.toUri().toString());
    variables.put("NIXERY_NIX_BIN", nix.folder().toString());
    variables.put("STORAGE_PATH", folder.resolve("storage").toString());
    variables.putAll(more);
    TestServer server = TestServer.start(folder.resolve(name), variables);
    nix.reset();
    return server;
  }

  private static int status(TestServer server, String name, String tag) {
    return server.get("/v2/%s/manifests/%s".formatted(name, tag)).statusCode();
  }

  @Test
  void tagsBranchesAndCommitsHoldWhatWasCommitted() throws IOException {
    try (TestServer server = serve("one", Map.of())) {
      assertThat(status(server, "first", "release-v1")).isEqualTo(200);
      assertThat(status(server, "second", "release-v1")).isEqualTo(404);
      assertThat(status(server, "second", "release-v2")).isEqualTo(200);
      assertThat(status(server, "second", "main")).isEqualTo(200);
      assertThat(status(server, "second", git("rev-parse", "HEAD"))).isEqualTo(200);

      // A branch that moves is followed.
      commit("third");
      assertThat(status(server, "third", "latest")).isEqualTo(200);

      HttpResponse<byte[]> unknown = server.get("/v2/hello/manifests/release-v9");
      assertThat(unknown.statusCode()).isEqualTo(404);
      assertThat(Pull.text(unknown.body()))
          .contains("MANIFEST_UNKNOWN")
          .contains("no tag, branch or commit 'release-v9' in ");
    }
  }

  @Test
  void whatIsKnownOfARevisionCostsNoNixProcess() throws IOException {
    try (TestServer server = serve("one", Map.of())) {
      assertThat(status(server, "hello", "release-v1")).isEqualTo(200);
      assertThat(status(server, "jq", "release-v1")).isEqualTo(200);
      assertThat(nix.calls("nix-instantiate")).isNotEmpty();

      nix.reset();
      assertThat(status(server, "hello", "release-v1")).isEqualTo(200);
      assertThat(nix.calls("nix-instantiate")).isEmpty();
      assertThat(nix.calls("nix-store")).isEmpty();

      // Packages that were resolved before are not evaluated again, whatever they are combined
      // with.
      assertThat(status(server, "jq/hello", "release-v1")).isEqualTo(200);
      assertThat(nix.calls("nix-instantiate")).isEmpty();
    }
    // Another server on the same storage knows it all.
    try (TestServer server = serve("other", Map.of())) {
      assertThat(status(server, "hello/jq", "release-v1")).isEqualTo(200);
      assertThat(nix.calls("nix-instantiate")).isEmpty();
      assertThat(nix.calls("nix-store")).isEmpty();
    }
  }

  @Test
  void ofTwoServersWithOneRepositoryOneBuilds() throws IOException {
    Map<String, String> debug = Map.of("NIXERY_DEBUG", "true");
    try (TestServer one = serve("one", debug);
        TestServer other = serve("other", debug)) {
      List<CompletableFuture<HttpResponse<byte[]>>> answers =
          Stream.of(one, other)
              .map(server -> server.getAsync("/v2/shell/jq/manifests/release-v2"))
              .toList();
      answers.forEach(answer -> assertThat(answer.join().statusCode()).isEqualTo(200));
      assertThat(answers.getFirst().join().body()).isEqualTo(answers.getLast().join().body());

      assertThat(nix.calls("nix-store")).filteredOn(call -> call.contains("--realise")).hasSize(1);
      List<String> packed =
          Stream.concat(one.log().stream(), other.log().stream())
              .filter(line -> line.contains(" packed sha256:"))
              .map(line -> line.substring(line.indexOf("layer ")))
              .toList();
      assertThat(packed).isNotEmpty().doesNotHaveDuplicates();
    }
  }

  @Test
  void repositoriesThatShareAStorageAreNotConfused() throws IOException {
    try (TestServer server = serve("one", Map.of())) {
      assertThat(status(server, "second", "latest")).isEqualTo(200);
    }
    Path other = folder.resolve("other-repository");
    Shell.run("cp", "-r", repository.toString(), other.toString());
    Shell.run("rm", "-rf", folder.resolve("one").toString());
    try (TestServer server = serve("two", Map.of("NIXERY_PKGS_REPO", other.toUri().toString()))) {
      assertThat(status(server, "second", "latest")).isEqualTo(200);
      assertThat(nix.calls("nix-instantiate")).as("another repository").isNotEmpty();
    }
  }

  @Test
  void tagsAreListed() throws IOException {
    try (TestServer server = serve("one", Map.of())) {
      HttpResponse<byte[]> all = server.get("/v2/hello/tags/list");
      assertThat(Pull.text(all.body()))
          .isEqualTo(
              "{\"name\":\"hello\",\"tags\":[\"latest\",\"main\",\"release-v1\",\"release-v2\"]}");
      HttpResponse<byte[]> page = server.get("/v2/hello/tags/list?n=2&last=latest");
      assertThat(Pull.text(page.body())).contains("[\"main\",\"release-v1\"]");
      assertThat(page.headers().firstValue("Link"))
          .hasValueSatisfying(link -> assertThat(link).contains("last=release-v1"));
    }
  }

  @Test
  void aRepositoryThatIsNotThereIsTheOperatorsConcern() throws IOException {
    String gone = folder.resolve("gone").toUri().toString();
    try (TestServer server = serve("one", Map.of("NIXERY_PKGS_REPO", gone))) {
      HttpResponse<byte[]> answer = server.get("/v2/hello/manifests/latest");
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(Pull.text(answer.body()))
          .contains("the package source cannot be reached")
          .doesNotContain("gone");
      assertThat(String.join("\n", server.log())).contains("gone");
    }
  }
}
