package nixery.source.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.source.UnknownTagException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a tag stands for, over each way to reach a repository. */
class ReferenceTests {

  enum Way {
    HTTP,
    HTTP_VERSION_0,
    SSH,
    FILE
  }

  @TempDir Path folder;

  private UserHome home;
  private WorkTree tree;
  private HttpGitServer http;
  private Optional<SshGitServer> ssh = Optional.empty();
  private String first;

  @BeforeEach
  void makeRepository() throws IOException {
    home = UserHome.in(folder.resolve("home"));
    tree = WorkTree.withPackageSet(folder.resolve("repos/set"));
    first = tree.head();
    http = HttpGitServer.start(folder.resolve("repos"));
  }

  @AfterEach
  void stop() {
    http.close();
    home.close();
    ssh.ifPresent(SshGitServer::close);
  }

  private String address(Way way) throws Exception {
    return switch (way) {
      case HTTP -> http.url("set/.git");
      case HTTP_VERSION_0 -> {
        http.modern = false;
        yield http.url("set/.git");
      }
      case SSH -> {
        Path key = home.folder().resolve(".ssh/id_ed25519");
        SshGitServer.makeKey(key, "ed25519");
        SshGitServer server =
            SshGitServer.start(folder.resolve("sshd"), key.resolveSibling("id_ed25519.pub"));
        ssh = Optional.of(server);
        home.write(".ssh/known_hosts", server.knownHost());
        yield server.url(tree.folder());
      }
      case FILE -> tree.folder().toString();
    };
  }

  private PackageSource open(Way way) throws Exception {
    return Sources.open(address(way), folder.resolve("cache"));
  }

  private static String revision(PackageSource source, String tag) {
    return source.resolve(tag).revision().orElseThrow();
  }

  private static String release(PackageSource source, String tag) throws IOException {
    try (PackageSet set = source.checkout(source.resolve(tag))) {
      return Files.readString(set.path().resolve("default.nix")).replaceAll("\\D", "");
    }
  }

  @ParameterizedTest
  @EnumSource
  void findsTagsBranchesCommitsAndTheHead(Way way) throws Exception {
    tree.git("tag", "v1");
    tree.git("tag", "-a", "-m", "Annotated", "v1.1");
    tree.git("tag", "-a", "-m", "A tag of a tag", "v1.2", "v1.1");
    tree.git("switch", "-q", "-c", "next");
    String second = tree.commit("default.nix", "{ }: { release = 2; }");
    String third = tree.commit("default.nix", "{ }: { release = 3; }");
    tree.git("tag", "-a", "-m", "Both", "both", first);
    tree.git("branch", "both", third);
    tree.git("branch", "feature/x");
    tree.git("switch", "-q", "main");

    try (PackageSource source = open(way)) {
      assertThat(source.tags())
          .containsExactly("both", "latest", "main", "next", "v1", "v1.1", "v1.2");
      for (String tag : List.of("latest", "HEAD", "main", "v1", "v1.1", "v1.2", "both")) {
        assertThat(revision(source, tag)).as(tag).isEqualTo(first);
      }
      assertThat(revision(source, "next")).isEqualTo(third);
      assertThat(release(source, "v1.2")).isEqualTo("1");
      assertThat(release(source, "both")).isEqualTo("1");
      assertThat(release(source, "next")).isEqualTo("3");
      // The tip of nothing.
      assertThat(release(source, second)).isEqualTo("2");
      for (String unknown : List.of("v", "v1.", "x", "heads", "nothing", second.substring(0, 39))) {
        assertThatThrownBy(() -> source.resolve(unknown))
            .isInstanceOf(UnknownTagException.class)
            .hasMessage("no tag, branch or commit '%s' in %s", unknown, source.identity());
      }
      String missing = "0123456789".repeat(4);
      assertThatThrownBy(() -> source.checkout(source.resolve(missing)))
          .isInstanceOf(UnknownTagException.class)
          .hasMessage("no tag, branch or commit '%s' in %s", missing, source.identity());
    }
  }

  @ParameterizedTest
  @EnumSource
  void followsBranchesThatAreForcedAndTagsThatAreDeleted(Way way) throws Exception {
    tree.git("tag", "v1");
    try (PackageSource source = open(way)) {
      assertThat(release(source, "main")).isEqualTo("1");
      assertThat(release(source, "v1")).isEqualTo("1");

      tree.git("switch", "-q", "--orphan", "other");
      String forced = tree.commit("default.nix", "{ }: { release = 4; }");
      tree.git("branch", "-f", "main", forced);
      tree.git("tag", "-d", "v1");
      awaitFreshAnswers();

      assertThat(release(source, "main")).isEqualTo("4");
      assertThatThrownBy(() -> source.resolve("v1")).isInstanceOf(UnknownTagException.class);
      // It is in no branch any more, but was checked out before.
      assertThat(release(source, first)).isEqualTo("1");
    }
  }

  /** Answers are kept for a second. */
  private static void awaitFreshAnswers() throws InterruptedException {
    Thread.sleep(1100);
  }

  @Test
  void hasNoLatestWithoutHead() {
    tree.git("symbolic-ref", "HEAD", "refs/heads/nothing");
    try (PackageSource source = Sources.open(http.url("set/.git"), folder.resolve("cache"))) {
      assertThat(source.tags()).containsExactly("main");
      assertThatThrownBy(() -> source.resolve("latest"))
          .isInstanceOf(UnknownTagException.class)
          .hasMessageContaining("HEAD");
    }
  }

  @Test
  void canRefuseCommits() {
    try (PackageSource source =
        Sources.open(
            http.url("set/.git"), folder.resolve("cache"), Map.of("NIXERY_GIT_COMMITS", "false"))) {
      assertThatThrownBy(() -> source.resolve(first)).isInstanceOf(UnknownTagException.class);
      assertThat(revision(source, "main")).isEqualTo(first);
    }
  }

  @Test
  void asksOnceForManyRequestsAtOnce() throws Exception {
    try (PackageSource source = Sources.open(http.url("set/.git"), folder.resolve("cache"));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<String> pull =
          () -> {
            ResolvedTag resolved = source.resolve("main");
            try (PackageSet set = source.checkout(resolved)) {
              return set.path().toString();
            }
          };
      List<Future<String>> pulls =
          threads.invokeAll(Stream.generate(() -> pull).limit(20).toList());

      for (Future<String> one : pulls) {
        assertThat(one.get()).isEqualTo(pulls.getFirst().get());
      }
      assertThat(http.fetches).hasValue(1);
      assertThat(http.lookups).as("one for the tag, one for the fetch").hasValue(2);
    }
  }

  @Test
  void fetchesOnlyWhatHasChanged() throws Exception {
    byte[] noise = new byte[400_000];
    new java.util.Random(1).nextBytes(noise);
    Files.write(tree.folder().resolve("noise"), noise);
    tree.commit();
    try (PackageSource source = Sources.open(http.url("set/.git"), folder.resolve("cache"))) {
      release(source, "latest");
      int whole = http.sent.getAndSet(0);
      assertThat(whole).isGreaterThan(400_000);
      tree.commit("default.nix", "{ }: { release = 2; }");
      awaitFreshAnswers();

      assertThat(release(source, "latest")).isEqualTo("2");
      assertThat(http.sent.get()).isLessThan(20_000);
    }
  }

  @Test
  void fetchesNoHistory() throws Exception {
    byte[] noise = new byte[400_000];
    new java.util.Random(1).nextBytes(noise);
    Files.write(tree.folder().resolve("noise"), noise);
    tree.commit();
    tree.git("rm", "-q", "noise");
    tree.commit();
    try (PackageSource source = Sources.open(http.url("set/.git"), folder.resolve("cache"))) {
      release(source, "latest");
      assertThat(http.sent.get()).isLessThan(20_000);
    }
  }
}
