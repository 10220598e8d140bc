package nixery.server.nix;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nixery.api.Scratch;

/** A version of Nix, with a store of its own, that is deleted on closing. */
public final class TestNix implements AutoCloseable {

  /** The versions that the driver is tested with. */
  public enum Version {
    /** The one on the {@code PATH}. */
    INSTALLED("", ""),
    TRIXIE("NIXERY_TEST_NIX_TRIXIE", "nix-trixie"),
    SID("NIXERY_TEST_NIX_SID", "nix-sid");

    private final String variable;
    private final String name;

    Version(String variable, String name) {
      this.variable = variable;
      this.name = name;
    }

    Optional<Path> folder() {
      if (this == INSTALLED) {
        return Optional.empty();
      }
      Map<String, String> environment = System.getenv();
      String cache =
          environment.getOrDefault("XDG_CACHE_HOME", System.getProperty("user.home") + "/.cache");
      return Optional.of(
          environment.containsKey(variable)
              ? Path.of(environment.get(variable))
              : Path.of(cache, "nixery", name, "cmd"));
    }
  }

  /** The platform of this machine. */
  public static final String SYSTEM =
      System.getProperty("os.arch").equals("aarch64") ? "aarch64-linux" : "x86_64-linux";

  /** Begins a package set: {@code sh NAME ATTRIBUTES SCRIPT} is a derivation. */
  public static final String PRELUDE =
      """
      let
        sh = name: attributes: script: derivation ({
          inherit name;
          system = builtins.currentSystem;
          builder = "/bin/sh";
          args = [ "-ec" script ];
          PATH = "/bin:/usr/bin";
        } // attributes);
        ok = name: sh name { } "echo ${name} > $out";
      in
      """;

  public final Path store;
  final Optional<Path> binFolder;
  private final Map<String, String> environment;
  private final List<Nix> opened = new ArrayList<>();

  private TestNix(Optional<Path> binFolder) throws IOException {
    this.store = Files.createTempDirectory("nixery-store").toRealPath();
    this.binFolder = binFolder;
    String hostFolders =
        Stream.of("/bin", "/usr", "/lib", "/lib64")
            .filter(folder -> Files.exists(Path.of(folder)))
            .collect(Collectors.joining(" "));
    this.environment =
        Map.of(
            "NIX_REMOTE",
            store.toString(),
            "NIX_CONFIG",
            """
            build-users-group =
            substituters =
            experimental-features =
            fsync-metadata = false
            sandbox = %s
            sandbox-paths = %s
            """
                .formatted(canSandbox(), hostFolders));
  }

  /** Lists the versions that are there. */
  static Stream<Version> versions() {
    List<Version> there = new ArrayList<>();
    for (Version version : Version.values()) {
      Optional<Path> folder = version.folder();
      if (folder.isEmpty() || Files.isExecutable(folder.get().resolve("nix-store"))) {
        there.add(version);
      } else if ("1".equals(System.getenv("NIXERY_TEST_NIX_UNFETCHABLE"))) {
        System.err.println(
            "*** NOT TESTED with " + version.name + ", which cannot be fetched here ***");
      } else {
        throw new IllegalStateException(
            "There is no nix-store in "
                + folder.get()
                + ". Fetch it, or set NIXERY_TEST_NIX_UNFETCHABLE=1 to do without.");
      }
    }
    return there.stream();
  }

  public static TestNix of(Version version) throws IOException {
    return new TestNix(version.folder());
  }

  NixConfig config(Duration evaluationTimeout, Duration buildTimeout, Map<String, String> more) {
    var all = new HashMap<>(environment);
    all.putAll(more);
    return new NixConfig(
        binFolder,
        store,
        evaluationTimeout,
        buildTimeout,
        Set.of("HOME"),
        all,
        store.resolve("test-roots"));
  }

  /** Opens a driver, which this closes. */
  Nix open(Duration evaluationTimeout, Duration buildTimeout) {
    var nix = new Nix(config(evaluationTimeout, buildTimeout, Map.of()));
    opened.add(nix);
    return nix;
  }

  public Nix open() {
    return open(Duration.ofMinutes(2), Duration.ofMinutes(2));
  }

  /** Lets Nix delete what no root protects. */
  void collectGarbage() throws IOException, InterruptedException {
    ProcessBuilder builder = command("nix-store", "--gc");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(output);
    }
  }

  /** Starts a daemon for the store, for the caller to end. */
  Process startDaemon(Path socket) throws IOException {
    ProcessBuilder builder = command("nix-daemon", "--store", store.toString());
    builder.environment().put("NIX_REMOTE", "");
    builder.environment().put("NIX_DAEMON_SOCKET_PATH", socket.toString());
    builder.redirectOutput(store.resolve("daemon.log").toFile());
    return builder.start();
  }

  private ProcessBuilder command(String program, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(binFolder.map(folder -> folder.resolve(program).toString()).orElse(program));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.redirectErrorStream(true);
    return builder;
  }

  boolean has(String storePath) {
    return Files.exists(Path.of(store + storePath), LinkOption.NOFOLLOW_LINKS);
  }

  /** Says whether user namespaces can be had, as Nix's sandbox needs. */
  private static boolean canSandbox() {
    try {
      Process process = new ProcessBuilder("unshare", "-Um", "true").start();
      return process.waitFor(1, TimeUnit.MINUTES) && process.exitValue() == 0;
    } catch (IOException e) {
      throw new UncheckedIOException("install util-linux", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    opened.forEach(Nix::close);
    Scratch.deleteTree(store);
  }
}
