package nixery.server;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import nixery.api.ConfigurationException;
import nixery.api.Setting;
import nixery.api.Settings;
import nixery.image.Architecture;
import nixery.image.Codec;
import nixery.image.CodecException;
import nixery.image.Compression;
import nixery.image.Layering;
import nixery.server.log.LogFormat;

/** The settings of the server itself; plugins declare their own. */
final class ServerSettings {

  private static final int MOST_SECONDS = 86_400;
  private static final String SOME_SECONDS = "a number of seconds from 0 to " + MOST_SECONDS;

  static final Setting<Integer> PORT =
      Setting.number("PORT", "port to listen on; 0 takes any that is free", 0, 65535)
          .withDefault("8080");

  static final Setting<String> HOST =
      Setting.text("NIXERY_HOST", "address to listen on").withDefault("0.0.0.0");

  static final Setting<String> STORAGE_BACKEND =
      Setting.text(
          "NIXERY_STORAGE_BACKEND",
          "storage plugin to use; not needed where the runtime has only one");

  static final Setting<Path> PLUGINS =
      Setting.path("NIXERY_PLUGINS", "folder of plugin jars to load besides those linked in");

  static final Setting<Path> CACHE =
      Setting.path(
          "NIXERY_CACHE",
          "folder for what can be fetched or made again; if not set, nixery in $XDG_CACHE_HOME or"
              + " ~/.cache");

  static final Setting<Duration> NIX_TIMEOUT =
      Setting.seconds("NIX_TIMEOUT", "how long Nix may build one derivation, in seconds")
          .withDefault("60");

  static final Setting<Duration> EVAL_TIMEOUT =
      Setting.seconds(
              "NIXERY_EVAL_TIMEOUT",
              "how long Nix may evaluate the packages of one image, in seconds")
          .withDefault("120");

  static final Setting<Integer> MAX_BUILDS =
      Setting.number(
          "NIXERY_MAX_BUILDS",
          "how many images are built at the same time; if not set, one for each processor",
          1,
          1000);

  static final Setting<List<Architecture>> PLATFORMS =
      Setting.parsed(
          "NIXERY_PLATFORMS",
          "what every image is built for, so that clients choose by their platform; the first is for"
              + " clients that cannot. If not set, images are for linux/amd64",
          "different ones of linux/amd64 and linux/arm64, separated by commas",
          ServerSettings::platforms);

  private static Optional<List<Architecture>> platforms(String text) {
    List<Optional<Architecture>> platforms =
        Stream.of(text.split(",", -1))
            .map(String::strip)
            .map(name ->
                name.startsWith("linux/")
                    ? Architecture.named(name.substring("linux/".length()))
                    : Optional.<Architecture>empty())
            .toList();
    return Set.copyOf(platforms).size() == platforms.size()
            && platforms.stream().allMatch(Optional::isPresent)
        ? Optional.of(platforms.stream().flatMap(Optional::stream).toList())
        : Optional.empty();
  }

  static final Setting<Integer> LAYERS =
      Setting.number("NIXERY_LAYERS", "how many layers an image may have", 2, 125)
          .withDefault("94");

  static final Setting<Layering> LAYERING =
      Setting.choice(
              "NIXERY_LAYERING",
              "how packages are divided into layers; docs/layering.md compares the ways",
              Layering.class)
          .withDefault("big-paths");

  static final Setting<String> POPULARITY_URL =
      Setting.text(
          "NIX_POPULARITY_URL",
          "popularity data for the layering, as made by popcount: an http, https or file URL, or a"
              + " path");

  static final Setting<Duration> POPULARITY_REFRESH =
      Setting.seconds(
              "NIXERY_POPULARITY_REFRESH", "how long to rely on popularity data, in seconds")
          .withDefault("3600");

  static final Setting<Compression> COMPRESSION =
      Setting.choice(
              "NIXERY_COMPRESSION",
              "how layers are compressed; zstd is faster, and for clients that accept OCI manifests",
              Compression.class)
          .withDefault("gzip");

  static final Setting<Integer> COMPRESSION_LEVEL =
      Setting.number(
          "NIXERY_COMPRESSION_LEVEL",
          "how hard to compress: 1 to 9 for gzip, 5 if not set; 1 to 19 for zstd, 2 if not set",
          1,
          19);

  static final Setting<Path> COMPRESSION_LIBRARY =
      Setting.path(
          "NIXERY_COMPRESSION_LIBRARY",
          "file of libdeflate (for gzip) or libzstd, where the dynamic linker does not find it");

  static final Setting<Duration> LEASE =
      Setting.seconds(
              "NIXERY_LEASE",
              "after how long another server on the same storage that gives no sign of life is"
                  + " replaced, in seconds")
          .withDefault("30");

  static final Setting<Integer> MAX_REQUESTS =
      Setting.number(
              "NIXERY_MAX_REQUESTS",
              "how many requests are answered at a time, those that wait for builds included; the"
                  + " others get status 429",
              1,
              100_000)
          .withDefault("1000");

  static final Setting<Duration> DRAIN =
      Setting.parsed(
              "NIXERY_DRAIN",
              "how long a server that is told to stop goes on as before, but for saying that it is"
                  + " not ready, in seconds; behind a load balancer, as long as that takes to notice",
              SOME_SECONDS,
              ServerSettings::seconds)
          .withDefault("0");

  static final Setting<Duration> GRACE =
      Setting.parsed(
              "NIXERY_GRACE",
              "how long builds and downloads that are going on may then take to finish, in seconds",
              SOME_SECONDS,
              ServerSettings::seconds)
          .withDefault("20");

  private static Optional<Duration> seconds(String text) {
    return text.matches("\\d{1,5}") && Integer.parseInt(text) <= MOST_SECONDS
        ? Optional.of(Duration.ofSeconds(Integer.parseInt(text)))
        : Optional.empty();
  }

  static final Setting<Duration> TRUST =
      Setting.seconds(
              "NIXERY_TRUST",
              "how long a layer that was seen in the storage is taken to be there, in seconds")
          .withDefault("300");

  static final Setting<Path> NIX_BIN =
      Setting.path(
          "NIXERY_NIX_BIN",
          "folder with nix-instantiate and nix-store; if not set, they are looked for on the PATH");

  static final Setting<Path> NIX_ROOT =
      Setting.path(
          "NIXERY_NIX_ROOT",
          "folder under which /nix/store lies; if not set, $NIX_REMOTE where that is a folder, or"
              + " else /");

  /** Nix's own variable, which names a daemon, or a folder with a store of its own. */
  static final Setting<String> NIX_REMOTE =
      Setting.text("NIX_REMOTE", "Nix's own: the daemon, or a folder with a store of its own");

  static final Setting<Path> XDG_CACHE_HOME =
      Setting.path("XDG_CACHE_HOME", "folder of the user's caches");

  static final Setting<Boolean> DEBUG =
      Setting.flag("NIXERY_DEBUG", "log what Nix prints and why things fail in full")
          .withDefault("false");

  static final Setting<LogFormat> LOG_FORMAT =
      Setting.choice(
              "NIXERY_LOG_FORMAT",
              "how to log: lines for people, or a JSON object on each line",
              LogFormat.class)
          .withDefault("text");

  static final Setting<Boolean> PAGES =
      Setting.flag(
              "NIXERY_PAGES",
              "show pages for people: what images hold, and the builds of late with their failures,"
                  + " to everybody who can reach the server")
          .withDefault("true");

  static final Setting<Boolean> PAGES_LOGS =
      Setting.flag("NIXERY_PAGES_LOGS", "show the logs of builds on the pages, too")
          .withDefault("true");

  private ServerSettings() {}

  /**
   * Opens what compresses layers.
   *
   * @throws ConfigurationException if it cannot be had
   */
  static Codec codec(Settings settings) {
    Compression compression = settings.get(COMPRESSION);
    int level = settings.find(COMPRESSION_LEVEL).orElse(compression.defaultLevel());
    if (level > compression.highestLevel()) {
      throw new ConfigurationException(
          "%s is %d, but the highest level of %s is %d."
              .formatted(COMPRESSION_LEVEL, level, compression, compression.highestLevel()));
    }
    try {
      return Codec.open(compression, level, settings.find(COMPRESSION_LIBRARY));
    } catch (CodecException e) {
      throw unusable(compression, e);
    }
  }

  static ConfigurationException unusable(Compression compression, CodecException e) {
    return new ConfigurationException(
        "Layers cannot be compressed with %s: %s (%s)."
            .formatted(compression, e.getMessage(), COMPRESSION_LIBRARY),
        e);
  }

  /** Returns all of them in the order of the reference. */
  static List<Setting<?>> all() {
    return List.of(
        PORT,
        HOST,
        STORAGE_BACKEND,
        PLUGINS,
        CACHE,
        NIX_TIMEOUT,
        EVAL_TIMEOUT,
        MAX_BUILDS,
        PLATFORMS,
        LAYERS,
        LAYERING,
        POPULARITY_URL,
        POPULARITY_REFRESH,
        COMPRESSION,
        COMPRESSION_LEVEL,
        COMPRESSION_LIBRARY,
        LEASE,
        MAX_REQUESTS,
        DRAIN,
        GRACE,
        TRUST,
        NIX_BIN,
        NIX_ROOT,
        DEBUG,
        LOG_FORMAT,
        PAGES,
        PAGES_LOGS,
        NIX_REMOTE,
        XDG_CACHE_HOME);
  }
}
