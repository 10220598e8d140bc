package nixery.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.PackageSourceProvider;
import nixery.api.source.ResolvedTag;
import nixery.api.source.UnknownTagException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The contract of {@link PackageSource} and {@link PackageSourceProvider}. A plugin's test class
 * extends this and says how the plugin is opened.
 *
 * <p>{@code latest} must stand for a package set, and a small one: its files are read and compared.
 * Within a test the source may be opened several times, with the same environment; what it gives
 * must not be changed meanwhile.
 */
public abstract non-sealed class PackageSourceContractTests extends PluginContractTests {

  private static final String LATEST = "latest";

  /** What clients could send, or a server that forgot to check could pass on. */
  private static final List<String> HOSTILE_TAGS =
      List.of(
          ".",
          "..",
          "...",
          "-",
          "-x",
          "--",
          "--help",
          "--upload-pack=true",
          "a..b",
          "a...b",
          "a.lock",
          ".hidden",
          "HEAD",
          "HEAD~1",
          "HEAD^{tree}",
          "@",
          "@{u}",
          "latest@{1}",
          ":/",
          "refs/heads/latest",
          "../latest",
          "../../../../etc/passwd",
          "/etc/passwd",
          "%2e%2e",
          "latest/",
          "latest\n",
          "latest ",
          " ",
          "",
          "\0",
          "$(true)",
          "`true`",
          "*",
          "\u00e4",
          "0".repeat(40),
          "_".repeat(128),
          "a".repeat(129),
          "a".repeat(100_000));

  private PackageSource source;

  /** For JUnit, which makes a new one for each test. */
  protected PackageSourceContractTests() {}

  @Override
  protected abstract PackageSourceProvider provider();

  /**
   * Returns texts that must be shown to nobody, beyond the values of secret settings: a password
   * within an address, for instance.
   *
   * @return the texts; none if this is not overridden
   */
  protected Set<String> secrets() {
    return Set.of();
  }

  @Override
  final void openAndClose(PluginContext context) {
    provider().open(context).close();
  }

  @BeforeEach
  void openSource() {
    source = provider().open(context());
  }

  @AfterEach
  void closeSource() {
    if (source != null) {
      source.close();
    }
  }

  @Test
  void isSelectedByOneOfItsSettings() {
    String selector = provider().selector().name();

    assertThat(provider().settings()).extracting(Setting::name).contains(selector);
    assertThat(configured()).containsKey(selector);
    assertThat(provider().selector().defaultText()).isEmpty();
  }

  @Test
  void hasAnIdentityThatStaysAndShowsNoSecrets() {
    String identity = source.identity();

    assertThat(identity).isNotBlank().doesNotContain("\n");
    assertThat(source.identity()).isEqualTo(identity);
    try (PackageSource again = provider().open(context())) {
      assertThat(again.identity()).isEqualTo(identity);
    }
    assertNoSecrets(identity);
  }

  @Test
  void resolvesLatestToTheSameRevisionEachTime() {
    ResolvedTag resolved = source.resolve(LATEST);

    assertThat(resolved.tag()).isEqualTo(LATEST);
    assertThat(resolved.revision().stream()).allMatch(revision -> !revision.isBlank());
    assertThat(source.resolve(LATEST).revision()).isEqualTo(resolved.revision());
    resolved.warning().ifPresent(this::assertNoSecrets);
    try (PackageSource again = provider().open(context())) {
      assertThat(again.resolve(LATEST).revision()).isEqualTo(resolved.revision());
    }
  }

  @Test
  void saysForHowLongAnAnswerIsGood() {
    assertThat(source.freshness())
        .isGreaterThanOrEqualTo(Duration.ZERO)
        .isEqualTo(source.freshness());
  }

  @Test
  void listsTagsThatItResolves() {
    List<String> tags = source.tags();

    assertThat(tags).doesNotHaveDuplicates().isSorted();
    assertThat(tags).allMatch(tag -> tag.matches("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"));
    assertThat(tags)
        .allSatisfy(tag -> assertThat(source.resolve(tag).tag()).isEqualTo(tag))
        .allSatisfy(this::assertNoSecrets);
  }

  @Test
  void saysWhichTagItDoesNotKnow() {
    String tag = "no-such-tag-5f0c7c1e";

    assertThatThrownBy(() -> source.resolve(tag))
        .isInstanceOf(UnknownTagException.class)
        .hasMessageContaining(tag)
        .satisfies(e -> assertNoSecrets(e.getMessage()));
  }

  @Test
  void takesHostileTagsForUnknownOnesOrAtTheirWord() {
    Set<String> listed = new HashSet<>(source.tags());
    for (String tag : HOSTILE_TAGS) {
      if (!listed.contains(tag)) {
        assertThat(tryHostile(tag)).as("checkout of '%s'", tag).isTrue();
      }
    }
  }

  private boolean tryHostile(String tag) {
    try (PackageSet set = source.checkout(source.resolve(tag))) {
      return importable(set.path());
    } catch (UnknownTagException | InvalidPackageSetException e) {
      assertNoSecrets(e.getMessage());
      return true;
    }
  }

  @Test
  void checksOutWhatNixCanImport() {
    try (PackageSet set = source.checkout(source.resolve(LATEST))) {
      assertThat(set.path()).isAbsolute().isNormalized().isReadable();
      assertThat(importable(set.path())).as("%s can be imported", set.path()).isTrue();
    }
  }

  private static boolean importable(Path path) {
    return path.isAbsolute()
        && (Files.isRegularFile(path) || Files.isRegularFile(path.resolve("default.nix")));
  }

  @Test
  void checksOutTheSameFilesForTheSameRevision() throws IOException {
    Map<String, String> first;
    try (PackageSet set = source.checkout(source.resolve(LATEST))) {
      first = files(set.path());
    }
    try (PackageSource again = provider().open(context());
        PackageSet set = again.checkout(again.resolve(LATEST))) {
      assertThat(files(set.path())).isEqualTo(first);
    }
  }

  @Test
  void keepsACheckoutUntilItIsClosed() throws IOException {
    ResolvedTag resolved = source.resolve(LATEST);
    try (PackageSet kept = source.checkout(resolved)) {
      Map<String, String> before = files(kept.path());

      for (int i = 0; i < 3; i++) {
        source.checkout(source.resolve(LATEST)).close();
      }
      openAndClose(context());

      assertThat(files(kept.path())).isEqualTo(before);
    }
  }

  @Test
  void checksOutForManyRequestsAtOnce() throws Exception {
    Map<String, String> expected;
    try (PackageSet set = source.checkout(source.resolve(LATEST))) {
      expected = files(set.path());
    }
    try (PackageSource other = provider().open(context())) {
      List<Callable<Map<String, String>>> requests = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        PackageSource asked = i % 2 == 0 ? source : other;
        requests.add(() -> {
          try (PackageSet set = asked.checkout(asked.resolve(LATEST))) {
            return files(set.path());
          }
        });
      }

      assertThat(Together.run(requests)).hasSize(8).containsOnly(expected);
    }
  }

  private void assertNoSecrets(String text) {
    Stream<String> values =
        provider().settings().stream()
            .filter(Setting::isSecret)
            .flatMap(setting -> Stream.ofNullable(configured().get(setting.name())))
            .filter(value -> !value.isEmpty());
    assertThat(Stream.concat(values, secrets().stream()))
        .as("secrets in '%s'", text)
        .noneMatch(text::contains);
  }

  /** Returns the SHA-256 of each file, and the target of each link, by path within the set. */
  private static Map<String, String> files(Path set) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> found = Files.walk(set)) {
      for (Path path : (Iterable<Path>) found::iterator) {
        String name = set.relativize(path).toString();
        if (Files.isSymbolicLink(path)) {
          files.put(name, "link to " + Files.readSymbolicLink(path));
        } else if (Files.isRegularFile(path)) {
          files.put(name, Bytes.sha256(path));
        }
      }
    }
    return files;
  }
}
