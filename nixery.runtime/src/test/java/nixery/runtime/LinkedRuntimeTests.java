package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What jlink made: which modules and plugins are in it, and that it works. */
final class LinkedRuntimeTests {

  private static final Path MODULES = TestServer.PROJECT.resolve("nixery.runtime/target/mods");

  @TempDir Path folder;

  @Test
  void theRuntimeHasExactlyTheModulesThatAreListed() throws IOException {
    List<String> expected =
        Files.readAllLines(Path.of("src/test/resources/nixery/runtime/modules.txt"));
    assertThat(modules(TestServer.RUNTIME)).isEqualTo(expected);
  }

  /** Returns the modules that are not the JDK's, without their versions. */
  private static List<String> modules(Path runtime) {
    return Shell.run(runtime.resolve("bin/java").toString(), "--list-modules")
        .lines()
        .map(line -> line.replaceAll("@.*", ""))
        .filter(name -> !name.startsWith("java.") && !name.startsWith("jdk."))
        .sorted()
        .toList();
  }

  @Test
  void noModuleIsAutomatic() {
    assertThat(ModuleFinder.of(MODULES).findAll())
        .isNotEmpty()
        .allSatisfy(
            module -> assertThat(module.descriptor().isAutomatic()).as("%s", module).isFalse());
  }

  @Test
  void theServerKnowsEveryPlugin() {
    assertThat(Shell.run(TestServer.RUNTIME.resolve("bin/nixery").toString(), "--help"))
        .contains(
            "Storage `filesystem`",
            "Storage `gcs`",
            "Package source `path`",
            "Package source `git`",
            "Package source `channel`");
  }

  /** The README shows how to link a runtime with the plugins that one wants. */
  @Test
  void theReadmesCommandLinksARuntimeThatServes() throws IOException {
    Path runtime = folder.resolve("my-nixery");
    new Document("README.md").link(runtime);
    assertThat(modules(runtime))
        .filteredOn(name -> name.startsWith("nixery."))
        .containsExactly(
            "nixery.api",
            "nixery.image",
            "nixery.server",
            "nixery.source.path",
            "nixery.storage.fs");
    assertThat(runtime.resolve("lib/nixery.aot")).isRegularFile();
    try (TestServer server = TestServer.start(runtime, folder.resolve("server"), Map.of())) {
      server.pull("hello");
    }
  }

  @Test
  void theReadmesReferenceIsWhatTheSettingsDeclare() throws IOException {
    String reference =
        Shell.run(TestServer.RUNTIME.resolve("bin/nixery").toString(), "--reference");
    assertThat(new Document("README.md").text())
        .as("regenerate it: nixery.runtime/target/nixery/bin/nixery --reference")
        .contains(reference);
  }
}
