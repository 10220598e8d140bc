package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is wrong with a plugin is said in one sentence that names it, with status 2, and is
 * explained in {@code docs/plugins.md}.
 */
final class BadPluginTests {

  private static final String MODULE =
      """
      module %1$s {
        requires nixery.api;
        provides nixery.api.storage.StorageProvider with %1$s.Provider;
      }
      """;

  private static final String PROVIDER =
      """
      package %s;

      import java.util.*;
      import nixery.api.*;
      import nixery.api.storage.*;

      public final class Provider implements StorageProvider {
        public int apiVersion() { return API_VERSION; }
        public String name() { return "%s"; }
        public List<Setting<?>> settings() {
          return List.of(Setting.text("EXAMPLE_KEY", "name of the example").required());
        }
        public Storage open(PluginContext context) { throw new AssertionError(); }
      }
      """;

  @TempDir Path folder;
  private Path plugins;

  @BeforeEach
  void makeThePluginsFolder() throws IOException {
    plugins = Files.createDirectory(folder.resolve("plugins"));
  }

  /**
   * Returns what the server says, with paths as seen from the folder of this test. The guide has
   * the same, but leaves out Java's own words and the list of plugins.
   */
  private String complaint(Map<String, String> variables) throws IOException {
    Map<String, String> all = new TreeMap<>(variables);
    all.put("NIXERY_PLUGINS", plugins.toString());
    Shell.Result result = Shell.attempt(TestServer.command(TestServer.RUNTIME, folder, all));
    assertThat(result.status()).as(result.output()).isEqualTo(2);
    assertThat(result.output()).startsWith("nixery: ").endsWith(".\n");
    assertThat(result.output().lines()).hasSize(1);
    String said = result.output().strip().replace(folder + "/", "");
    assertThat(new Document("docs/plugins.md").text())
        .as("the guide explains what can go wrong")
        .contains(
            said.replaceAll("\\(java\\.lang\\.(\\w+): .*\\): ", "($1: …): ")
                .replaceAll("\\(filesystem.*\\)", "(…)"));
    return said;
  }

  private String complaint() throws IOException {
    return complaint(Map.of());
  }

  /** Makes a plugin in the jar {@code <module>.jar} outside the plugins folder. */
  private Path plugin(String module, String name, Path modulePath) throws IOException {
    return PluginJar.of(
        folder.resolve(module + ".jar"),
        modulePath,
        MODULE.formatted(module),
        PROVIDER.formatted(module, name));
  }

  private void drop(Path jar) throws IOException {
    drop(jar, jar.getFileName().toString());
  }

  private void drop(Path jar, String name) throws IOException {
    Path target = plugins.resolve(name);
    Files.createDirectories(target.getParent());
    Files.copy(jar, target);
  }

  /** Compiles another version of the interfaces, and returns the folder with its classes. */
  private Path otherApi(String before, String after) throws IOException {
    Path sources = folder.resolve("api");
    Shell.run(
        "cp",
        "-r",
        TestServer.PROJECT.resolve("nixery.api/src/main/java").toString(),
        sources.toString());
    Path plugin = sources.resolve("nixery/api/Plugin.java");
    String text = Files.readString(plugin);
    assertThat(text).contains(before);
    Files.writeString(plugin, text.replace(before, after));
    return PluginJar.compile(sources, PluginJar.MODULES);
  }

  @Test
  void twoPluginsWithOneName() throws IOException {
    drop(plugin("example.one", "twin", PluginJar.MODULES), "one/example.one.jar");
    drop(plugin("example.two", "twin", PluginJar.MODULES), "two/example.two.jar");
    assertThat(complaint())
        .contains("'twin'", "plugins/one/example.one.jar", "plugins/two/example.two.jar");
  }

  @Test
  void aNameThatALinkedPluginHas() throws IOException {
    drop(plugin("example.files", "filesystem", PluginJar.MODULES));
    assertThat(complaint()).contains("'filesystem'", "nixery.storage.fs", "example.files.jar");
  }

  @Test
  void anotherApiVersion() throws IOException {
    Path newer = otherApi("API_VERSION = 1;", "API_VERSION = 2;");
    Path sources = TestServer.PROJECT.resolve("examples/storage-flat/src/main/java");
    Path copy = folder.resolve("example");
    Shell.run("cp", "-r", sources.toString(), copy.toString());
    drop(
        PluginJar.pack(folder.resolve("example.storage.flat.jar"), PluginJar.compile(copy, newer)));
    assertThat(complaint()).contains("example.storage.flat", "version 2", "has 1");
  }

  @Test
  void aMethodThatIsMissing() throws IOException {
    String before = PROVIDER.replaceAll("(?m)^ *public String name.*\n", "");
    drop(
        PluginJar.of(
            folder.resolve("example.nameless.jar"),
            otherApi("String name();", ""),
            MODULE.formatted("example.nameless"),
            before.formatted("example.nameless")));
    assertThat(complaint()).contains("example.nameless", "AbstractMethodError");
  }

  @Test
  void aClassThatIsMissing() throws IOException {
    Path newer = otherApi("String name();", "String name();\n  final class Extra {}");
    String opens =
        PROVIDER.replace("throw new AssertionError()", "new Plugin.Extra(); return null");
    drop(
        PluginJar.of(
            folder.resolve("example.extra.jar"),
            newer,
            MODULE.formatted("example.extra"),
            opens.formatted("example.extra", "extra")));
    assertThat(complaint(Map.of("NIXERY_STORAGE_BACKEND", "extra", "EXAMPLE_KEY", "1")))
        .contains("example.extra", "NoClassDefFoundError");
  }

  @Test
  void aProviderThatCannotBeMade() throws IOException {
    String fails =
        PROVIDER.replace(
            "public int",
            "public Provider() { throw new IllegalStateException(\"no\"); }\npublic int");
    drop(
        PluginJar.of(
            folder.resolve("example.fails.jar"),
            PluginJar.MODULES,
            MODULE.formatted("example.fails"),
            fails.formatted("example.fails", "fails")));
    assertThat(complaint()).contains("example.fails", "IllegalStateException: no");
  }

  @Test
  void aJarThatIsBroken() throws IOException {
    Files.writeString(plugins.resolve("broken.jar"), "this is no jar");
    assertThat(complaint()).contains("plugins/broken.jar");
  }

  @Test
  void aModuleForANewerJava() throws IOException {
    Path jar =
        PluginJar.of(
            folder.resolve("example.newer.jar"), PluginJar.MODULES, "module example.newer {}");
    try (FileSystem zip = FileSystems.newFileSystem(jar)) {
      Path module = zip.getPath("module-info.class");
      byte[] bytes = Files.readAllBytes(module);
      bytes[6] = 3; // the major version of the class file format: 3 * 256
      bytes[7] = 0;
      Files.write(module, bytes);
    }
    drop(jar);
    assertThat(complaint()).contains("plugins/example.newer.jar", "768");
  }

  @Test
  void aJarWithoutAModule() throws IOException {
    Path classes = Files.createDirectories(folder.resolve("classes/example"));
    Files.writeString(classes.resolve("Some.class"), "");
    drop(PluginJar.pack(folder.resolve("library.jar"), classes.getParent()));
    assertThat(complaint()).contains("plugins/library.jar", "module-info");
  }

  @Test
  void aJarThatProvidesNothing() throws IOException {
    drop(
        PluginJar.of(
            folder.resolve("example.empty.jar"), PluginJar.MODULES, "module example.empty {}"));
    assertThat(complaint()).contains("example.empty", "provides a plugin");
  }

  @Test
  void aModuleThatIsMissing() throws IOException {
    Path library =
        PluginJar.of(
            folder.resolve("example.library.jar"), PluginJar.MODULES, "module example.library {}");
    drop(
        PluginJar.of(
            folder.resolve("example.needy.jar"),
            Path.of(PluginJar.MODULES + ":" + library),
            MODULE
                .formatted("example.needy")
                .replace("requires", "requires example.library;\nrequires"),
            PROVIDER.formatted("example.needy", "needy")));
    assertThat(complaint()).contains("example.needy", "example.library");
  }

  @Test
  void aModuleThatIsLinkedIn() throws IOException {
    drop(plugin("nixery.storage.fs", "other", PluginJar.MODULES));
    assertThat(complaint()).contains("plugins/nixery.storage.fs.jar", "linked");
  }

  @Test
  void twoJarsOfOneModule() throws IOException {
    Path jar = plugin("example.some", "some", PluginJar.MODULES);
    drop(jar, "example.some-1.jar");
    drop(jar, "example.some-2.jar");
    assertThat(complaint()).contains("example.some-1.jar", "example.some-2.jar");
  }

  @Test
  void aSettingThatIsMissing() throws IOException {
    drop(plugin("example.some", "some", PluginJar.MODULES));
    assertThat(complaint(Map.of("NIXERY_STORAGE_BACKEND", "some")))
        .contains("'some'", "EXAMPLE_KEY", "name of the example");
  }

  @Test
  void aPluginThatIsNotThere() throws IOException {
    assertThat(complaint(Map.of("NIXERY_STORAGE_BACKEND", "flat"))).contains("'flat'");
  }
}
