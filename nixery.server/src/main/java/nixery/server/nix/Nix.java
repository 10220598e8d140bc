package nixery.server.nix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import nixery.api.ConfigurationException;
import nixery.api.Scratch;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Drives Nix through {@code nix-instantiate} and {@code nix-store}, 2.8 or newer. Thread-safe.
 * Every method blocks; interrupting the calling thread ends the Nix process and the builders that
 * it started.
 */
public final class Nix implements AutoCloseable {

  private static final String LOGICAL_STORE = "/nix/store";

  /** Nix's own limit comes first; this is for a Nix that hangs. */
  private static final Duration SILENCE_ALLOWANCE = Duration.ofSeconds(60);

  private static final Duration QUERY_TIMEOUT = Duration.ofMinutes(5);

  /** The operating system takes 2 MiB of arguments and environment, Linux at least. */
  private static final int MAX_ARGUMENTS = 256 << 10;

  private static final int MAX_DUMP = 256 << 20;

  private final NixConfig config;
  private final Commands commands;
  private final Scratch roots;

  /**
   * Prepares to run Nix.
   *
   * @param config how
   * @throws ConfigurationException if the folder for roots cannot be written
   */
  public Nix(NixConfig config) {
    this.config = config;
    this.commands = new Commands(config);
    try {
      this.roots = Scratch.open(config.rootsFolder());
    } catch (IOException e) {
      throw new ConfigurationException(
          "The folder "
              + config.rootsFolder()
              + " for Nix's garbage collector roots cannot be written: "
              + e,
          e);
    }
  }

  /**
   * Tries whether Nix can be run and its store be used.
   *
   * @return Nix's version, such as {@code 2.8.0}
   * @throws ConfigurationException if not
   * @throws InterruptedException if the calling thread is interrupted
   */
  public String check() throws InterruptedException {
    var log = new NixLog(line -> {});
    NixProcess.Result result;
    try {
      commands.store(List.of("--version"), log, deadline(QUERY_TIMEOUT));
      result =
          commands.instantiate(
              List.of(
                  "--eval",
                  "--strict",
                  "--json",
                  "--read-write-mode",
                  "--log-format",
                  "internal-json",
                  "--expr",
                  "{ inherit (builtins) nixVersion storeDir; }"),
              log,
              deadline(QUERY_TIMEOUT));
    } catch (Failure e) {
      if (!(e.getCause() instanceof IOException)) {
        throw new ConfigurationException("Nix does not work: " + e.getMessage(), e);
      }
      throw new ConfigurationException(
          "Nix is not installed: nix-store and nix-instantiate must be "
              + config.binFolder().map(folder -> "in " + folder).orElse("on the PATH")
              + " (install the package nix-bin, or Nix itself).",
          e);
    }
    if (!result.isSuccess()) {
      throw new ConfigurationException("Nix does not work: " + log.problem());
    }
    try {
      JsonNode answer = JsonMapper.shared().readTree(result.output());
      String store = answer.path("storeDir").asString("");
      if (!store.equals(LOGICAL_STORE)) {
        throw new ConfigurationException(
            "Nix's store is " + store + ", but images need one that is " + LOGICAL_STORE + ".");
      }
      return answer.path("nixVersion").asString("unknown");
    } catch (JacksonException e) {
      throw new ConfigurationException("Nix does not work: it answers " + result.output(), e);
    }
  }

  /**
   * Finds packages by name. A dot in a name leads into a nested set. At each level an exact match
   * wins, then the only match when case is ignored; before a leading digit there may be an
   * underscore.
   *
   * <p>All names are looked up in one process, and one more per name that cannot be evaluated. Each
   * has 4 GiB of heap unless {@code GC_MAXIMUM_HEAP_SIZE} is set.
   *
   * @param packageSet what Nix imports: a file, or a folder with a {@code default.nix}
   * @param system the packages' platform, such as {@code x86_64-linux}
   * @param names the names as the client sent them
   * @return an answer for each name
   * @throws Failure if the package set as a whole cannot be evaluated (EVALUATION_FAILED), has
   *     nothing for this system (PACKAGE_UNKNOWN), if it takes too long (EVALUATION_TIMED_OUT), or
   *     if Nix cannot be run (NIX_UNAVAILABLE)
   * @throws InterruptedException if the calling thread is interrupted
   */
  public Resolution resolve(Path packageSet, String system, SortedSet<String> names)
      throws InterruptedException {
    return new Resolver(commands, config.evaluationTimeout(), packageSet, system).resolve(names);
  }

  /**
   * Builds or substitutes the outputs of packages that are not in the store yet.
   *
   * <p>Each builder has the time that is configured. How long all of it takes is not limited, but
   * Nix may not be silent for a minute longer than that.
   *
   * @param packages the packages
   * @param log is told each line of the builders' logs and of what Nix does, as it comes, and how
   *     far it is. If it throws, the builds end, and this throws the same.
   * @return what keeps the outputs in the store, for the caller to close
   * @throws Failure if a build fails (BUILD_FAILED) or takes too long (BUILD_TIMED_OUT), or if Nix
   *     cannot be run (NIX_UNAVAILABLE)
   * @throws InterruptedException if the calling thread is interrupted
   */
  public GcRoots realise(Collection<Resolved.Found> packages, NixListener log)
      throws InterruptedException {
    var handle = new GcRoots(roots.next());
    boolean isDone = false;
    try {
      Files.createDirectory(handle.folder());
      realise(packages, handle.folder(), log);
      isDone = true;
      return handle;
    } catch (IOException e) {
      throw new Failure(
          FailureCode.NIX_UNAVAILABLE, "The server cannot write its garbage collector roots.", e);
    } finally {
      if (!isDone) {
        handle.close();
      }
    }
  }

  private void realise(Collection<Resolved.Found> packages, Path folder, NixListener listener)
      throws IOException, InterruptedException {
    SortedMap<String, SortedSet<String>> outputs = new TreeMap<>();
    Set<String> wanted = new HashSet<>();
    for (Resolved.Found found : packages) {
      for (Output output : found.outputs()) {
        outputs.computeIfAbsent(found.derivation(), d -> new TreeSet<>()).add(output.name());
        wanted.add(output.path());
      }
    }
    if (outputs.isEmpty()) {
      return;
    }
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--realise",
                "--log-format",
                "internal-json",
                "--timeout",
                Long.toString(config.buildTimeout().toSeconds()),
                "--add-root",
                folder.resolve("root").toString()));
    outputs.forEach(
        (derivation, names) -> arguments.add(derivation + "!" + String.join(",", names)));
    var lastSign = new AtomicLong(System.nanoTime());
    long maxSilence = config.buildTimeout().plus(SILENCE_ALLOWANCE).toNanos();
    var log = new NixLog(listener);
    NixProcess.Result result =
        commands.store(
            arguments,
            line -> {
              lastSign.set(System.nanoTime());
              log.accept(line);
            },
            () -> lastSign.get() + maxSilence - System.nanoTime());
    if (!result.isSuccess()) {
      throw failedBuild(result, log);
    }
    wanted.removeAll(targets(folder));
    if (!wanted.isEmpty()) {
      throw new Failure(
          FailureCode.BUILD_FAILED,
          commands.message(
              "The package set announces other outputs than Nix builds: "
                  + String.join(", ", new TreeSet<>(wanted))));
    }
  }

  private Failure failedBuild(NixProcess.Result result, NixLog log) {
    String problem = commands.message(log.problem());
    return switch (result.end()) {
      case EXIT -> {
        // Without a daemon the status is 100 with a bit for each thing that happened, of which 1
        // is a timeout; see "Special exit codes" in the manual of nix-store --realise. With a
        // daemon it is always 1. Half a second is for what clocks and pipes do.
        Duration limit = config.buildTimeout();
        boolean isTimeout = result.status() >= 100 && (result.status() & 1) == 1;
        boolean isOther = result.status() >= 100 && !isTimeout;
        yield log.timeout(isTimeout ? Duration.ZERO : limit.minusMillis(500), limit)
            .filter(message -> !isOther)
            .map(message -> new Failure(FailureCode.BUILD_TIMED_OUT, commands.message(message)))
            .orElseGet(() ->
                new Failure(
                    isTimeout ? FailureCode.BUILD_TIMED_OUT : FailureCode.BUILD_FAILED, problem));
      }
      case TIMEOUT ->
          new Failure(
              FailureCode.BUILD_TIMED_OUT,
              commands.message("Nix hangs. The last that it said: " + log.problem()));
      case SIGNAL, TOO_MUCH_OUTPUT ->
          new Failure(FailureCode.NIX_UNAVAILABLE, "Nix crashed on the server: " + problem);
    };
  }

  private static Set<String> targets(Path folder) throws IOException {
    Set<String> targets = new HashSet<>();
    try (Stream<Path> links = Files.list(folder)) {
      for (Path link : links.toList()) {
        targets.add(Files.readSymbolicLink(link).toString());
      }
    }
    return targets;
  }

  /**
   * Describes the closure of store paths in the format of {@code nix-store --dump-db}: per path its
   * lines are the path, the SHA-256 of its NAR in hexadecimal, the NAR's size in bytes, the deriver
   * (may be empty), the number of references, and the references.
   *
   * @param paths store paths that are in the store
   * @return the registration of each path of the closure
   * @throws Failure if Nix cannot be run or a path is not in the store (NIX_UNAVAILABLE)
   * @throws InterruptedException if the calling thread is interrupted
   */
  public String dumpClosure(Collection<String> paths) throws InterruptedException {
    if (paths.isEmpty()) {
      return "";
    }
    var closure = new TreeSet<String>();
    for (List<String> batch : batches(new TreeSet<>(paths))) {
      query(List.of("--query", "--requisites"), batch).lines().forEach(closure::add);
    }
    var dump = new StringBuilder();
    for (List<String> batch : batches(closure)) {
      dump.append(query(List.of("--dump-db"), batch));
      if (dump.length() > MAX_DUMP) {
        throw new Failure(FailureCode.NIX_UNAVAILABLE, "The closure of the image is too large.");
      }
    }
    return dump.toString();
  }

  private String query(List<String> options, List<String> paths) throws InterruptedException {
    List<String> arguments = new ArrayList<>(options);
    arguments.addAll(List.of("--log-format", "internal-json"));
    arguments.addAll(paths);
    var log = new NixLog(line -> {});
    NixProcess.Result result = commands.store(arguments, log, deadline(QUERY_TIMEOUT));
    if (!result.isSuccess()) {
      throw new Failure(
          FailureCode.NIX_UNAVAILABLE,
          "Nix cannot describe the closure of the image: " + commands.message(log.problem()));
    }
    return result.output();
  }

  /** Splits what is too long for one command line. */
  private static List<List<String>> batches(SortedSet<String> paths) {
    List<List<String>> batches = new ArrayList<>();
    int size = MAX_ARGUMENTS;
    for (String path : paths) {
      if (size + path.length() > MAX_ARGUMENTS) {
        batches.add(new ArrayList<>());
        size = 0;
      }
      batches.getLast().add(path);
      size += path.length() + Long.BYTES + 1;
    }
    return batches;
  }

  private static LongSupplier deadline(Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    return () -> deadline - System.nanoTime();
  }

  /**
   * Prepares a line of a builder's log for people who are elsewhere: as it is, but for the paths of
   * this machine.
   *
   * @param line what a {@link NixListener} was told
   * @return a line; store paths have become names
   */
  public String shown(String line) {
    return commands.line(line);
  }

  /** Tells whether the derivation of a package is in the store, so that it can be realised. */
  public boolean hasDerivation(Resolved.Found found) {
    return hasPath(found.derivation());
  }

  /** Tells whether there is something in the place of a store path. */
  public boolean hasPath(String storePath) {
    return Files.exists(config.physical(storePath), LinkOption.NOFOLLOW_LINKS);
  }

  /** Gives up all garbage collector roots. */
  @Override
  public void close() {
    roots.close();
  }
}
