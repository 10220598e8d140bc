package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/** Makes plugins as anybody would: compiles them as modules, and packs them. */
final class PluginJar {

  /** All that a plugin may be compiled against. */
  static final Path MODULES = TestServer.PROJECT.resolve("nixery.runtime/target/mods");

  private static final Pattern PACKAGE = Pattern.compile("^package ([\\w.]+);", Pattern.MULTILINE);
  private static final Pattern TYPE =
      Pattern.compile("^public (?:final )?class (\\w+)", Pattern.MULTILINE);

  private PluginJar() {}

  /**
   * Compiles sources and packs them.
   *
   * @param jar what to make; the classes are left beside it
   * @param sources the texts of module-info and classes
   */
  static Path of(Path jar, Path modulePath, String... sources) throws IOException {
    Path folder = Path.of(jar + ".src");
    for (String source : sources) {
      Path file = folder.resolve(path(source));
      Files.createDirectories(file.getParent());
      Files.writeString(file, source);
    }
    return pack(jar, compile(folder, modulePath));
  }

  private static String path(String source) {
    Matcher name = PACKAGE.matcher(source);
    Matcher type = TYPE.matcher(source);
    return name.find() && type.find()
        ? name.group(1).replace('.', '/') + "/" + type.group(1) + ".java"
        : "module-info.java";
  }

  /** Compiles a folder with the sources of one module, and returns the folder with the classes. */
  static Path compile(Path sources, Path modulePath) throws IOException {
    Path classes = Files.createTempDirectory(sources.getParent(), "classes");
    List<String> arguments =
        new ArrayList<>(List.of("-proc:none", "-d", classes.toString(), "-p", "" + modulePath));
    try (Stream<Path> files = Files.walk(sources)) {
      files.map(Path::toString).filter(file -> file.endsWith(".java")).forEach(arguments::add);
    }
    run("javac", arguments);
    return classes;
  }

  /** Packs a folder with classes. */
  static Path pack(Path jar, Path classes) {
    run("jar", List.of("--create", "--file", jar.toString(), "-C", classes.toString(), "."));
    return jar;
  }

  private static void run(String name, List<String> arguments) {
    StringWriter output = new StringWriter();
    PrintWriter writer = new PrintWriter(output);
    ToolProvider tool = ToolProvider.findFirst(name).orElseThrow();
    int status = tool.run(writer, writer, arguments.toArray(String[]::new));
    assertThat(status).as("%s %s: %s", name, arguments, output).isZero();
  }
}
