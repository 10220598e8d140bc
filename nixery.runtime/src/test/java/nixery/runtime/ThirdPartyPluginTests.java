package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Somebody else's storage plugin, {@code examples/storage-flat}: built against what is published
 * and nothing else, and used both ways that {@code docs/plugins.md} shows.
 */
final class ThirdPartyPluginTests {

  private static final Path EXAMPLE = TestServer.PROJECT.resolve("examples/storage-flat");
  private static final Path JAR = EXAMPLE.resolve("target/example.storage.flat.jar");
  private static final Document GUIDE = new Document("docs/plugins.md");

  @TempDir Path folder;

  /** Builds the example as its author would, with a Maven of its own. */
  @BeforeAll
  static void buildTheExample() throws IOException {
    ProcessBuilder maven = new ProcessBuilder("mvn", "-B", "-ntp", "package");
    maven.command().add("-Dmaven.repo.local=" + publish());
    maven.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Shell.Result built = Shell.attempt(maven.directory(EXAMPLE.toFile()));
    assertThat(built.status()).as(built.output()).isZero();
  }

  /**
   * Makes a repository that has what we publish, and links to what Maven has fetched already. So
   * nothing of this build gets into the user's repository, and nothing stale comes from there.
   */
  private static Path publish() throws IOException {
    Path repository =
        Files.createDirectories(TestServer.PROJECT.resolve("nixery.runtime/target/published"));
    String fetched = System.getProperty("user.home") + "/.m2/repository";
    // Surefire tells where it really is.
    try (Stream<Path> groups =
        Files.list(Path.of(System.getProperty("localRepository", fetched)))) {
      for (Path group : groups.filter(Files::isDirectory).toList()) {
        Path link = repository.resolve(group.getFileName());
        if (!group.endsWith("nixery") && !Files.isDirectory(link)) {
          Files.createSymbolicLink(link, group);
        }
      }
    }
    Matcher version =
        Pattern.compile("<version>(.*?)</version>")
            .matcher(Files.readString(TestServer.PROJECT.resolve("pom.xml")));
    assertThat(version.find()).isTrue();
    for (String module : List.of(".", "nixery.api", "nixery.testkit")) {
      publish(TestServer.PROJECT.resolve(module), version.group(1), repository.resolve("nixery"));
    }
    return repository;
  }

  private static void publish(Path module, String version, Path group) throws IOException {
    String name = module.endsWith(".") ? "nixery" : module.getFileName().toString();
    String file = name + "-" + version;
    Path folder = Files.createDirectories(group.resolve(name).resolve(version));
    Files.copy(
        module.resolve("pom.xml"),
        folder.resolve(file + ".pom"),
        StandardCopyOption.REPLACE_EXISTING);
    if (!name.equals("nixery")) {
      Files.copy(
          module.resolve("target/" + file + ".jar"),
          folder.resolve(file + ".jar"),
          StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Test
  void theExamplePassesTheContract() throws IOException {
    Path report =
        EXAMPLE.resolve("target/surefire-reports/example.storage.flat.FlatStorageTests.txt");
    Matcher counts =
        Pattern.compile("Tests run: (\\d+), Failures: 0, Errors: 0, Skipped: 0")
            .matcher(Files.readString(report));
    assertThat(counts.find()).as("%s", report).isTrue();
    assertThat(Integer.parseInt(counts.group(1))).isGreaterThan(30);
  }

  @Test
  void theGuideShowsTheExampleAsItIs() throws IOException {
    StringBuilder sources = new StringBuilder();
    try (Stream<Path> files = Files.walk(EXAMPLE.resolve("src"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        sources.append(Files.readString(file));
      }
    }
    assertThat(GUIDE.blocks("java"))
        .hasSize(3)
        .allSatisfy(block -> assertThat(sources).contains(block));
  }

  @Test
  void theGuidesCommandLinksItIn() throws IOException {
    Path runtime = folder.resolve("my-nixery");
    GUIDE.link(runtime);
    assertThat(Shell.run(runtime.resolve("bin/java").toString(), "--list-modules"))
        .contains("example.storage.flat")
        .doesNotContain("nixery.storage");

    assertServes(runtime, Map.of());
  }

  @Test
  void thePluginsFolderOfARuntimeWithoutItTakesIt() throws IOException {
    Path plugins = Files.createDirectories(folder.resolve("plugins"));
    Files.copy(JAR, plugins.resolve(JAR.getFileName()));

    assertServes(TestServer.RUNTIME, Map.of("NIXERY_PLUGINS", plugins.toString()));
  }

  private void assertServes(Path runtime, Map<String, String> variables) throws IOException {
    Path flat = folder.resolve("flat");
    Map<String, String> all = new TreeMap<>(variables);
    all.put("NIXERY_STORAGE_BACKEND", "flat");
    all.put("FLAT_PATH", flat.toString());
    all.put("STORAGE_PATH", "");
    String digest;
    try (TestServer server = TestServer.start(runtime, folder.resolve("server"), all)) {
      digest = server.pull("hello");
    }
    try (TestServer again = TestServer.start(runtime, folder.resolve("server"), all)) {
      assertThat(Pull.image(again, "hello", digest, TestServer.DOCKER_MANIFEST)).isEqualTo(digest);
    }
    try (Stream<Path> objects = Files.list(flat.resolve("objects"))) {
      assertThat(objects)
          .extracting(file -> file.getFileName().toString())
          .anyMatch(name -> name.matches("[a-z]+\\+.+"));
    }
  }
}
