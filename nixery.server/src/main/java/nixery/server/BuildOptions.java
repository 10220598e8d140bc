package nixery.server;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiConsumer;
import nixery.api.ConfigurationException;
import nixery.image.Architecture;
import nixery.image.ImageConfig;
import nixery.image.ImageReference;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What {@code nixery build} is to do.
 *
 * @param name the image, as in a registry
 * @param tag the tag of the package set
 * @param reference what the image is called in the archive
 * @param output where it is written; empty for standard output
 * @param isFolder whether the output is a folder and not an archive
 * @param config how it is to be run
 */
record BuildOptions(
    String name,
    String tag,
    ImageReference reference,
    Optional<Path> output,
    boolean isFolder,
    ImageConfig config) {

  /** The text of {@code nixery build --help}. */
  static final String HELP =
      """
      Usage: nixery build NAME -o FILE [OPTION]...

      Builds the image that a server would answer NAME with, such as shell/git, and writes it to
      a file, for docker load, podman load, skopeo and others. Package sources and everything else
      are configured by the same environment variables as the server; no storage need be chosen.
      If NIXERY_STORAGE_BACKEND is set, layers are kept in that storage, and found there.

        -o, --output FILE      where to write the image; - is standard output
            --format FORMAT    oci-archive (the default): a tar archive, which is a Docker archive
                               too; or oci-dir: a folder with an OCI image layout
            --tag TAG          tag of the package set; latest is the default
            --name NAME[:TAG]  what the image is called when it is loaded; NAME and the tag of the
                               package set are the default

      How the image is to be run:
            --entrypoint WORDS, --cmd WORDS
                               words with spaces between them, or a JSON array
            --env NAME=VALUE, --label KEY=VALUE, --port PORT[/PROTOCOL]
                               may be there several times
            --workdir PATH, --user USER[:GROUP]
            --created TIME     such as 2026-11-23T12:00:00Z, or now; the default is
                               1970-01-01T00:00:01Z, so that equal images are equal

      The digest of the image's manifest goes to standard output, unless the image goes there.
      The exit status is 1 if the image cannot be built or written, and 2 if it cannot be tried.
      """;

  private static final String LATEST = "latest";

  /**
   * Reads the arguments that follow {@code build}.
   *
   * @throws ConfigurationException if they are not as they should be
   */
  static BuildOptions parse(List<String> arguments) {
    return new Parser(arguments).parse();
  }

  /** The reading of arguments. */
  private static final class Parser {
    private final Deque<String> left;
    private final ImageConfig.Builder config = ImageConfig.builder(Architecture.AMD64);
    private Optional<String> name = Optional.empty();
    private String tag = LATEST;
    private Optional<String> reference = Optional.empty();
    private Optional<String> output = Optional.empty();
    private boolean isFolder;

    Parser(List<String> arguments) {
      left = new ArrayDeque<>(arguments);
    }

    BuildOptions parse() {
      while (!left.isEmpty()) {
        String argument = left.pop();
        try {
          if (argument.startsWith("-")) {
            option(argument);
          } else if (name.isPresent()) {
            throw new IllegalArgumentException(
                "there are two names, '%s' and '%s': join them with a slash"
                    .formatted(name.get(), argument));
          } else {
            name = Optional.of(argument);
          }
        } catch (IllegalArgumentException | DateTimeException e) {
          throw wrong(e);
        }
      }
      String image = name.orElseThrow(() -> wrong("say which image to build, such as shell/git"));
      String file = output.orElseThrow(() -> wrong("say where to write the image, with -o FILE"));
      if (file.equals("-") && isFolder) {
        throw wrong("a folder cannot be written to standard output");
      }
      return new BuildOptions(
          image,
          tag,
          reference(image),
          file.equals("-") ? Optional.empty() : Optional.of(path(file)),
          isFolder,
          config.build());
    }

    private ImageReference reference(String image) {
      try {
        return ImageReference.parse(
            reference.orElseGet(() -> image.toLowerCase(Locale.ROOT) + ":" + tag));
      } catch (IllegalArgumentException e) {
        throw wrong(e.getMessage() + "; choose one with --name");
      }
    }

    private static Path path(String file) {
      try {
        return Path.of(file);
      } catch (InvalidPathException e) {
        throw wrong(e);
      }
    }

    private void option(String argument) {
      int equals = argument.startsWith("--") ? argument.indexOf('=') : -1;
      String option = equals < 0 ? argument : argument.substring(0, equals);
      if (equals >= 0) {
        left.push(argument.substring(equals + 1));
      }
      switch (option) {
        case "-o", "--output" -> output = Optional.of(value(option));
        case "--format" -> isFolder = isFolder(value(option));
        case "--tag" -> tag = value(option);
        case "--name" -> reference = Optional.of(value(option));
        case "--entrypoint" -> config.entrypoint(words(value(option)));
        case "--cmd" -> config.cmd(words(value(option)));
        case "--env" -> pair(option, value(option), config::env);
        case "--label" -> pair(option, value(option), config::label);
        case "--port" -> config.port(value(option));
        case "--workdir" -> config.workdir(value(option));
        case "--user" -> config.user(value(option));
        case "--created" -> config.created(time(value(option)));
        default -> throw new IllegalArgumentException("there is no option " + option);
      }
    }

    private String value(String option) {
      if (left.isEmpty()) {
        throw new IllegalArgumentException(option + " needs a value");
      }
      return left.pop();
    }

    private static boolean isFolder(String format) {
      return switch (format) {
        case "oci-archive" -> false;
        case "oci-dir" -> true;
        default ->
            throw new IllegalArgumentException(
                "'%s' is not a format: choose oci-archive or oci-dir".formatted(format));
      };
    }

    private static void pair(String option, String text, BiConsumer<String, String> use) {
      int equals = text.indexOf('=');
      if (equals < 0) {
        throw new IllegalArgumentException(
            "%s needs a name and a value, as in %s=value, not '%s'"
                .formatted(option, text.isEmpty() ? "name" : text, text));
      }
      use.accept(text.substring(0, equals), text.substring(equals + 1));
    }

    private static List<String> words(String text) {
      if (!text.startsWith("[")) {
        return text.isBlank() ? List.of() : List.of(text.strip().split("\\s+"));
      }
      try {
        return List.of(JsonMapper.shared().readValue(text, String[].class));
      } catch (JacksonException | NullPointerException e) {
        throw new IllegalArgumentException("'%s' is not a JSON array of words".formatted(text), e);
      }
    }

    private static Instant time(String text) {
      if (text.equals("now")) {
        return Instant.now();
      }
      try {
        return OffsetDateTime.parse(text).toInstant();
      } catch (DateTimeException e) {
        throw new IllegalArgumentException(
            "'%s' is not a time such as 2026-11-23T12:00:00Z".formatted(text), e);
      }
    }

    private static ConfigurationException wrong(Exception cause) {
      return new ConfigurationException(sentence(cause.getMessage()), cause);
    }

    private static ConfigurationException wrong(String message) {
      return new ConfigurationException(sentence(message));
    }

    private static String sentence(String message) {
      return "build: %s (nixery build --help says more).".formatted(message);
    }
  }
}
