package nixery.runtime;

import java.io.IOException;
import java.nio.file.Files;
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

  /** Returns the only command in the document that begins with a word, split into its words. */
  List<String> command(String first) throws IOException {
    List<String> commands =
        blocks("sh").stream()
            .flatMap(block -> block.replace("\\\n", " ").lines())
            .filter(line -> line.startsWith(first + " "))
            .toList();
    if (commands.size() != 1) {
      throw new AssertionError(
          "%s should have one command %s: %s".formatted(name, first, commands));
    }
    return List.of(commands.getFirst().strip().split("\\s+"));
  }
}
