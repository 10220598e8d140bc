package nixery.server;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import nixery.api.PluginContext;
import nixery.api.Scratch;
import nixery.api.Setting;
import nixery.api.Settings;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.PackageSourceProvider;
import nixery.api.source.ResolvedTag;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageProvider;

/**
 * Does once what a server does first: starts, builds an image and serves it. The JVM, which is told
 * to make an AOT cache (JEP 483, JEP 514), writes down what it had to load for that. Needs neither
 * Nix nor a network nor any settings: Nix is a script that knows one package, and storage and
 * package source are those of the runtime that need nothing but a folder, or stand-ins.
 */
final class Training {

  private static final String HASH = "0".repeat(32);
  private static final String PACKAGE = "/nix/store/" + HASH + "-training";
  private static final String PATH = "a path";
  private static final String OCI = "application/vnd.oci.image.manifest.v1+json";
  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

  /** Large enough for a layer of several blocks. */
  private static final int FILE = 3 << 20;

  private final Path folder;
  private final PrintStream out;

  private Training(Path folder, PrintStream out) {
    this.folder = folder;
    this.out = out;
  }

  /**
   * Runs the server for a moment.
   *
   * @param plugins those of the runtime
   * @param out is told what was done
   * @throws UncheckedIOException if something that needs nothing fails nevertheless
   */
  static void run(Plugins plugins, PrintStream out) {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    try (Scratch scratch = Scratch.open(temporary.resolve("nixery-training"))) {
      new Training(scratch.folder(), out).run(plugins);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot train: " + e.getMessage(), e);
    }
  }

  private void run(Plugins plugins) throws IOException {
    Path nix = fakeNix();
    Map<String, String> environment = new HashMap<>();
    environment.put(ServerSettings.PORT.name(), "0");
    environment.put(ServerSettings.HOST.name(), "127.0.0.1");
    environment.put(ServerSettings.CACHE.name(), folder.resolve("cache").toString());
    environment.put(ServerSettings.NIX_BIN.name(), nix.toString());
    environment.put(ServerSettings.NIX_ROOT.name(), folder.toString());

    StorageProvider storage =
        plugins.storages().stream()
            .filter(plugin -> plugin.settings().stream().allMatch(Training::isEasy))
            .findFirst()
            .orElseGet(TrainingStorage::new);
    storage.settings().stream()
        .filter(Setting::isRequired)
        .forEach(path -> environment.put(path.name(), folder.resolve("storage").toString()));
    environment.put(ServerSettings.STORAGE_BACKEND.name(), storage.name());

    Path packageSet = Files.writeString(folder.resolve("training.nix"), "{ }\n");
    PackageSourceProvider source =
        plugins.sources().stream()
            .filter(plugin -> plugin.selector().expectation().equals(PATH))
            .findFirst()
            .orElseGet(TrainingSource::new);
    environment.put(source.selector().name(), packageSet.toString());

    Settings settings = Settings.of(environment);
    Logging.configure(settings);
    try (Nixery nixery = Nixery.start(settings, new Plugins(List.of(storage), List.of(source)))) {
      Set<String> served = new LinkedHashSet<>();
      pull(nixery.port(), served);
      out.println("trained: " + String.join(", ", served));
    }
  }

  private static boolean isEasy(Setting<?> setting) {
    return !setting.isRequired() || setting.expectation().equals(PATH);
  }

  /** Asks what clients, probes and browsers ask, and puts down the answers. */
  private static void pull(int port, Set<String> served) throws IOException {
    for (String path :
        List.of(
            "/v2/",
            "/",
            "/health/live",
            "/health/ready",
            "/metrics",
            "/v2/training/tags/list",
            "/v2/training/blobs/sha256:" + HASH + HASH)) {
      served.add(status(get(port, path, "*/*")) + " " + path);
    }
    for (String accept : List.of(OCI, "application/vnd.docker.distribution.manifest.v2+json")) {
      String manifest = get(port, "/v2/training/manifests/latest", accept);
      served.add(status(manifest) + " image");
      List<String> digests =
          DIGEST.matcher(manifest).results().map(match -> match.group()).distinct().toList();
      for (String digest : digests) {
        String kind =
            get(port, "/v2/training/manifests/" + digest, accept).startsWith("HTTP/1.1 200")
                ? "manifests"
                : "blobs";
        served.add(status(get(port, "/v2/training/" + kind + "/" + digest, accept)) + " " + kind);
      }
    }
  }

  private static String status(String answer) {
    return answer.split(" ", 3)[1];
  }

  /** Returns the whole answer with its headers. There may be no other client in this runtime. */
  private static String get(int port, String path, String accept) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket
          .getOutputStream()
          .write(
              """
              GET %s HTTP/1.1\r
              Host: localhost:%d\r
              Accept: %s\r
              User-Agent: nixery-training\r
              Connection: close\r
              \r
              """
                  .formatted(path, port, accept)
                  .getBytes(US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), US_ASCII);
    }
  }

  /** Makes a store with one package, and commands that know what it is. */
  private Path fakeNix() throws IOException {
    Path files = Files.createDirectories(folder.resolve(PACKAGE.substring(1)));
    Path bin = Files.createDirectory(files.resolve("bin"));
    executable(bin.resolve("training"), "#!/bin/sh\n");
    Files.createSymbolicLink(bin.resolve("train"), Path.of("training"));
    byte[] content = new byte[FILE];
    for (int i = 0; i < content.length; i++) {
      content[i] = (byte) ((i * 31) >> (i & 7));
    }
    Files.write(files.resolve("file"), content);
    Files.writeString(folder.resolve(PACKAGE.substring(1) + ".drv"), "");

    Path commands = Files.createDirectories(folder.resolve("commands"));
    executable(
        commands.resolve("nix-instantiate"),
        """
        #!/bin/sh
        for argument in "$@"; do
          [ "$before" != names ] || names=$argument
          before=$argument
        done
        answers=
        IFS=]
        for name in $names; do # "[["cacert"],["git"]]"
          case $name in
            *\\"*) answers="$answers${answers:+,}"'{"is": "found", "keys": ["training"], "derivation":
              "%1$s.drv", "outputs": [{"name": "out", "path": "%1$s"}]}' ;;
          esac
        done
        if [ -n "$answers" ]; then
          echo "{\\"packages\\": [$answers]}"
        else
          echo '{"nixVersion": "2.8.0", "storeDir": "/nix/store"}'
        fi
        """
            .formatted(PACKAGE));
    executable(
        commands.resolve("nix-store"),
        """
        #!/bin/sh
        root=
        for argument in "$@"; do
          case $argument in
            --realise) do=realise ;;
            --dump-db) do=dump ;;
            --query | -q) do=query ;;
          esac
          [ "$before" != --add-root ] || root=$argument
          before=$argument
        done
        case $do in
          realise) ln -sf %1$s "$root"; echo %1$s ;;
          query) echo %1$s ;;
          dump) printf '%%s\\n' %1$s %2$s 1000 '' 0 ;;
          *) echo 'nix-store (Nix) 2.8.0' ;;
        esac
        """
            .formatted(PACKAGE, HASH + HASH));
    return commands;
  }

  private static void executable(Path file, String script) throws IOException {
    Files.writeString(file, script);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r-xr-xr-x"));
  }

  /** Keeps layers where there is no plugin that needs nothing but a folder. */
  private static final class TrainingStorage implements StorageProvider {
    @Override
    public int apiVersion() {
      return API_VERSION;
    }

    @Override
    public String name() {
      return "training";
    }

    @Override
    public List<Setting<?>> settings() {
      return List.of();
    }

    @Override
    public Storage open(PluginContext context) {
      try {
        return new ScratchStorage(Scratch.open(context.cacheFolder()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Has a package set that nobody reads, since Nix is none. */
  private static final class TrainingSource implements PackageSourceProvider {
    private static final Setting<Path> SET = Setting.path("TRAINING", "file of the package set");

    @Override
    public int apiVersion() {
      return API_VERSION;
    }

    @Override
    public String name() {
      return "training";
    }

    @Override
    public List<Setting<?>> settings() {
      return List.of(SET);
    }

    @Override
    public Setting<?> selector() {
      return SET;
    }

    @Override
    public PackageSource open(PluginContext context) {
      return new Source(context.settings().get(SET));
    }

    private record Source(Path file) implements PackageSource {
      @Override
      public String identity() {
        return "training";
      }

      @Override
      public ResolvedTag resolve(String tag) {
        return new ResolvedTag(tag, Optional.of("1"), Optional.empty());
      }

      @Override
      public PackageSet checkout(ResolvedTag resolved) {
        return PackageSet.of(file);
      }

      @Override
      public List<String> tags() {
        return List.of("latest");
      }

      @Override
      public void close() {}
    }
  }
}
