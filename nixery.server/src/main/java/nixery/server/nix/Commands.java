package nixery.server.nix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/** Runs Nix's commands as the configuration says. Thread-safe. */
final class Commands {

  private static final int MAX_OUTPUT = 64 << 20;
  private static final int EXIT_KILLED = 128 + 9;

  /** Evaluation does not heed a polite signal, but a build that it waits for ends. */
  private static final Duration EVALUATION_GRACE = Duration.ofSeconds(1);

  private static final Duration BUILD_GRACE = Duration.ofSeconds(10);

  /**
   * The most memory that an evaluation may have on its heap, read by the Boehm collector. Without
   * it, one bad package could take the machine down. An operator who needs more sets the variable.
   */
  private static final Map<String, String> HEAP = Map.of("GC_MAXIMUM_HEAP_SIZE", "4g");

  private final NixConfig config;

  Commands(NixConfig config) {
    this.config = config;
  }

  /**
   * Runs {@code nix-instantiate}.
   *
   * @param arguments its arguments
   * @param lines is given each line of standard error as it comes
   * @param nanosLeft how long it may go on from now
   * @return how it ended
   */
  NixProcess.Result instantiate(
      List<String> arguments, Consumer<String> lines, LongSupplier nanosLeft)
      throws InterruptedException {
    Map<String, String> environment = new HashMap<>(HEAP);
    environment.keySet().removeAll(System.getenv().keySet());
    environment.putAll(config.environment());
    return run("nix-instantiate", arguments, environment, EVALUATION_GRACE, lines, nanosLeft);
  }

  /**
   * Runs {@code nix-store}.
   *
   * @param arguments its arguments
   * @param lines is given each line of standard error as it comes
   * @param nanosLeft how long it may go on from now
   * @return how it ended
   */
  NixProcess.Result store(List<String> arguments, Consumer<String> lines, LongSupplier nanosLeft)
      throws InterruptedException {
    return run("nix-store", arguments, config.environment(), BUILD_GRACE, lines, nanosLeft);
  }

  /**
   * Prepares a message of Nix for the client.
   *
   * @param text what Nix wrote
   * @return the message
   */
  String message(String text) {
    return message(text, List.of());
  }

  /**
   * Prepares a message of Nix about a package set for the client.
   *
   * @param text what Nix wrote
   * @param packageSet the file or folder that Nix imported
   * @return the message
   */
  String message(String text, Path packageSet) {
    Path folder = Files.isDirectory(packageSet) ? packageSet : packageSet.getParent();
    List<Path> folders = new ArrayList<>();
    folders.add(folder);
    try {
      folders.add(folder.toRealPath());
    } catch (IOException e) {
      // Not there, so that Nix cannot have found its way there either.
    }
    return message(text, folders);
  }

  private String message(String text, List<Path> more) {
    return Messages.forClient(logical(text), folders(more));
  }

  /** Prepares a line of a log for the client. */
  String line(String line) {
    // Most lines have no paths.
    return line.contains("/") ? Messages.withoutPaths(logical(line), folders(List.of())) : line;
  }

  private List<Path> folders(List<Path> more) {
    List<Path> folders = new ArrayList<>(more);
    folders.add(config.rootsFolder());
    folders.add(Path.of(System.getProperty("user.home", "/")).toAbsolutePath());
    folders.sort(Comparator.comparingInt(Path::getNameCount).reversed());
    return folders;
  }

  /** Returns the text without the store's root; what follows that is absolute, and stays so. */
  private String logical(String text) {
    String root = config.storeRoot().toString();
    return root.equals("/") ? text : text.replace(root + "/nix/store/", "/nix/store/");
  }

  private NixProcess.Result run(
      String program,
      List<String> arguments,
      Map<String, String> environment,
      Duration grace,
      Consumer<String> lines,
      LongSupplier nanosLeft)
      throws InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(
        config.binFolder().map(folder -> folder.resolve(program).toString()).orElse(program));
    command.addAll(arguments);
    NixProcess.Result result;
    try {
      result =
          new NixProcess(command, config.hiddenVariables(), environment, MAX_OUTPUT, grace)
              .run(lines, nanosLeft);
    } catch (IOException e) {
      throw new Failure(FailureCode.NIX_UNAVAILABLE, "Nix cannot be run on the server.", e);
    }
    if (result.end() == NixProcess.End.SIGNAL && result.status() == EXIT_KILLED) {
      throw new Failure(
          FailureCode.NIX_UNAVAILABLE, "Nix was killed on the server, perhaps for lack of memory.");
    }
    return result;
  }
}
