package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A document of the project, whose examples are tried.
 *
 * @param name its path in the project
 */
record Document(String name) {

  String text() throws IOException {
    return Files.readString(TestServer.PROJECT.resolve(name));
  }

  /** Returns the blocks of code in a language, in order. */
  List<String> blocks(String language) throws IOException {
    return Pattern.compile("```%s\n(.*?)```".formatted(Pattern.quote(language)), Pattern.DOTALL)
        .matcher(text())
        .results()
        .map(block -> block.group(1))
        .toList();
  }

  /** Runs the commands that link a runtime {@code my-nixery}, which is made elsewhere. */
  void link(Path runtime) throws IOException {
    List<String> commands =
        blocks("sh").stream().filter(block -> block.startsWith("jlink ")).toList();
    assertThat(commands).as("%s has one command jlink", name).hasSize(1);
    ProcessBuilder shell =
        new ProcessBuilder(
                "sh", "-euc", commands.getFirst().replace("my-nixery", runtime.toString()))
            .directory(TestServer.PROJECT.toFile());
    String jdk = Path.of(System.getProperty("java.home"), "bin").toString();
    shell.environment().merge("PATH", jdk, (path, bin) -> bin + ":" + path);
    Shell.Result linked = Shell.attempt(shell);
    assertThat(linked.status()).as(linked.output()).isZero();
  }
}
