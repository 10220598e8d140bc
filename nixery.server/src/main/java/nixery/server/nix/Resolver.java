package nixery.server.nix;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Evaluates {@code resolve.nix}, which looks all names up in one process. An error that ends the
 * evaluation belongs to one name: with its message put down, the others are tried again.
 */
final class Resolver {

  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String EXPRESSION = expression();

  private static final int MAX_NAME = 255;
  private static final Pattern NAME_PART = Pattern.compile("[!-~]+");
  private static final String STORE_PATH = "/nix/store/[0-9a-z]{32}-[0-9A-Za-z+._?=-]{1,211}";
  private static final Pattern OUTPUT_PATH = Pattern.compile(STORE_PATH);
  private static final Pattern DERIVATION = Pattern.compile(STORE_PATH + "\\.drv");
  private static final Pattern OUTPUT_NAME = Pattern.compile("[0-9A-Za-z+._?=-]{1,211}");

  private static final Map<String, String> KINDS =
      Map.of(
          "lambda", "a function",
          "list", "a list",
          "string", "a string",
          "path", "a path",
          "int", "a number",
          "float", "a number",
          "bool", "a Boolean",
          "null", "null");

  private final Commands commands;
  private final Duration timeout;
  private final Path packageSet;
  private final String system;
  private final LongSupplier nanosLeft;
  private final SortedMap<String, Resolved> answers = new TreeMap<>();

  Resolver(Commands commands, Duration timeout, Path packageSet, String system) {
    this.commands = commands;
    this.timeout = timeout;
    this.packageSet = packageSet.toAbsolutePath();
    this.system = system;
    long deadline = System.nanoTime() + timeout.toNanos();
    this.nanosLeft = () -> deadline - System.nanoTime();
  }

  Resolution resolve(SortedSet<String> names) throws InterruptedException {
    List<String> open = new ArrayList<>();
    for (String name : names) {
      if (name.length() <= MAX_NAME
          && parts(name).stream().allMatch(part -> NAME_PART.matcher(part).matches())) {
        open.add(name);
      } else {
        answers.put(name, new Resolved.Unknown(List.of()));
      }
    }
    while (!open.isEmpty()) {
      open = tryAll(open);
    }
    return new Resolution(answers);
  }

  /** Evaluates names, and returns those that have no answer yet. */
  private List<String> tryAll(List<String> names) throws InterruptedException {
    var progress = new Progress(UUID.randomUUID().toString());
    var log = new NixLog(progress::see);
    NixProcess.Result result =
        commands.instantiate(
            List.of(
                "--eval",
                "--strict",
                "--json",
                "--read-write-mode",
                "--log-format",
                "internal-json",
                "--argstr",
                "packageSet",
                packageSet.toString(),
                "--argstr",
                "system",
                system,
                "--argstr",
                "mark",
                progress.mark,
                "--argstr",
                "names",
                JSON.writeValueAsString(names.stream().map(Resolver::parts).toList()),
                "--expr",
                EXPRESSION),
            log,
            nanosLeft);
    if (result.isSuccess()) {
      read(names, result.output());
      return List.of();
    }
    String problem =
        switch (result.end()) {
          case EXIT -> commands.message(log.problem(), packageSet);
          case SIGNAL -> "Nix crashed with signal " + (result.status() - 128) + ".";
          case TOO_MUCH_OUTPUT -> "The result is too long.";
          case TIMEOUT -> throw timedOut(names, progress.index);
        };
    if (progress.index < 0) {
      throw new Failure(
          FailureCode.EVALUATION_FAILED, "The package set cannot be evaluated: " + problem);
    }
    String culprit = names.get(progress.index);
    answers.put(culprit, new Resolved.Broken(problem));
    return names.stream().filter(name -> !name.equals(culprit)).toList();
  }

  private Failure timedOut(List<String> names, int index) {
    for (Map.Entry<String, Resolved> answer : answers.entrySet()) {
      if (answer.getValue() instanceof Resolved.Broken(String message)) {
        return new Failure(
            FailureCode.EVALUATION_FAILED,
            "The package " + answer.getKey() + " cannot be evaluated: " + message);
      }
    }
    return new Failure(
        FailureCode.EVALUATION_TIMED_OUT,
        "Evaluating the package "
            + (index < 0 ? "set" : names.get(index))
            + " took longer than "
            + timeout.toSeconds()
            + " seconds.");
  }

  private void read(List<String> names, String output) {
    JsonNode root;
    try {
      root = JSON.readTree(output);
    } catch (JacksonException e) {
      throw new Failure(FailureCode.INTERNAL, "Nix gave an answer that is not JSON.", e);
    }
    switch (root.path("problem").asString("")) {
      case "" -> {}
      case "arguments" ->
          throw new Failure(
              FailureCode.EVALUATION_FAILED,
              "The package set is a function that cannot be called without the arguments "
                  + String.join(", ", strings(root.path("arguments")))
                  + ".");
      case "system" ->
          throw new Failure(
              FailureCode.PACKAGE_UNKNOWN,
              "The package set takes no argument \"system\", so it has packages for "
                  + root.path("currentSystem").asString()
                  + " only, not for "
                  + system
                  + ".");
      case "type" ->
          throw new Failure(
              FailureCode.EVALUATION_FAILED,
              "The package set is not a set but " + kind(root.path("what").asString("")) + ".");
      default -> throw new Failure(FailureCode.INTERNAL, "Nix gave an answer of an unknown form.");
    }
    for (int i = 0; i < names.size(); i++) {
      answers.put(names.get(i), answer(root.path("packages").path(i)));
    }
  }

  private static Resolved answer(JsonNode node) {
    return switch (node.path("is").asString("")) {
      case "found" -> found(node);
      case "other" -> new Resolved.NotAPackage(what(node));
      case "unknown" -> {
        List<String> near = strings(node.path("near"));
        String under =
            strings(node.path("under")).stream().map(key -> key + ".").reduce("", String::concat);
        yield new Resolved.Unknown(
            (node.path("isAmbiguous").asBoolean(false)
                    ? near
                    : NearMatches.of(node.path("key").asString(""), near))
                .stream().map(under::concat).toList());
      }
      default -> throw new Failure(FailureCode.INTERNAL, "Nix gave an answer of an unknown form.");
    };
  }

  private static Resolved found(JsonNode node) {
    String derivation = node.path("derivation").asString("");
    List<Output> outputs =
        node.path("outputs")
            .valueStream()
            .map(o -> new Output(o.path("name").asString(""), o.path("path").asString("")))
            .distinct()
            .toList();
    if (outputs.isEmpty()) {
      return new Resolved.Broken("meta.outputsToInstall names no output.");
    }
    // Whoever wrote the package set can put anything into a set and call it a derivation.
    boolean isGenuine =
        DERIVATION.matcher(derivation).matches()
            && outputs.stream()
                .allMatch(output ->
                    OUTPUT_NAME.matcher(output.name()).matches()
                        && OUTPUT_PATH.matcher(output.path()).matches());
    return isGenuine
        ? new Resolved.Found(String.join(".", strings(node.path("keys"))), derivation, outputs)
        : new Resolved.Broken("The paths of its derivation and outputs are no store paths.");
  }

  private static String what(JsonNode node) {
    String type = node.path("what").asString("");
    List<String> attributes = strings(node.path("attributes"));
    if (!type.equals("set")) {
      return kind(type);
    }
    return attributes.isEmpty()
        ? "a set"
        : "a set with the attributes " + String.join(", ", attributes);
  }

  private static String kind(String type) {
    return KINDS.getOrDefault(type, type);
  }

  private static List<String> strings(JsonNode list) {
    return list.valueStream().map(node -> node.asString("")).toList();
  }

  private static List<String> parts(String name) {
    return List.of(name.split("\\.", -1));
  }

  private static String expression() {
    try (InputStream stream = Resolver.class.getResourceAsStream("resolve.nix")) {
      if (stream == null) {
        throw new LinkageError("resolve.nix is missing");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Notes at which name the evaluation is. */
  private static final class Progress {
    private final String mark;
    private final Pattern pattern;
    private int index = -1;

    private Progress(String mark) {
      this.mark = mark;
      this.pattern = Pattern.compile(mark + "([0-9]{1,4})$");
    }

    private void see(String line) {
      Matcher matcher = pattern.matcher(line);
      if (matcher.find()) {
        index = Integer.parseInt(matcher.group(1));
      }
    }
  }
}
