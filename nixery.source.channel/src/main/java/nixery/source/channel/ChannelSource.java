package nixery.source.channel;

import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import nixery.api.ConfigurationException;
import nixery.api.Scratch;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.source.RevisionCache;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;

/**
 * Gives out nixpkgs: {@code latest} is the channel or commit that was configured, any other tag is
 * another channel or a full commit. A commit needs no look-up: whether it exists turns out when it
 * is checked out.
 *
 * <p>What belongs to one pair of addresses lies in one folder of the cache: {@code channels}, what
 * channels point to, {@code nixpkgs}, the unpacked tarballs, and {@code scratch}.
 */
final class ChannelSource implements PackageSource {

  /** The tag that stands for what was configured. */
  static final String LATEST = "latest";

  private static final Logger LOG = System.getLogger(ChannelSource.class.getName());

  /** How many tarballs are unpacked at once: each takes the memory that XZ needs, some 70 MB. */
  private static final int MAX_DOWNLOADS = 2;

  private static final int MAX_TARBALLS = 1000;

  /** How often the server may ask what a channel points to. */
  private static final Duration CHEAP = Duration.ofSeconds(10);

  /**
   * How the source behaves.
   *
   * @param refresh how long to rely on what a channel points to
   * @param deadlines of all requests
   * @param limits of all tarballs
   * @param revisions how many to keep on disk
   * @param age how long to keep them after their last use
   */
  record Options(
      Duration refresh,
      Http.Deadlines deadlines,
      Tarball.Limits limits,
      int revisions,
      Duration age) {}

  private final Reference configured;
  private final BaseUrl channelBase;
  private final BaseUrl archiveBase;
  private final Options options;
  private final Http http;
  private final Scratch scratch;
  private final Channels channels;
  private final RevisionCache cache;
  private final Semaphore downloads = new Semaphore(MAX_DOWNLOADS, true);

  /** Where the revisions that channels pointed to are. */
  private final Recent<Pointer> tarballs = new Recent<>(MAX_TARBALLS);

  private ChannelSource(
      Reference configured,
      BaseUrl channelBase,
      BaseUrl archiveBase,
      Options options,
      Path cacheFolder)
      throws IOException {
    this.configured = configured;
    this.channelBase = channelBase;
    this.archiveBase = archiveBase;
    this.options = options;
    Path folder = Files.createDirectories(cacheFolder.resolve(hash(identity())));
    Path pointers = Files.createDirectories(folder.resolve("channels"));
    this.scratch = Scratch.open(folder.resolve("scratch"));
    this.http = new Http(options.deadlines(), List.of(channelBase, archiveBase));
    this.channels = new Channels(channelBase, http, options.refresh(), pointers, scratch);
    this.cache = RevisionCache.open(folder.resolve("nixpkgs"), options.revisions(), options.age());
  }

  /**
   * Opens the source.
   *
   * @param configured what {@code latest} stands for
   * @param channelBase where channels are published
   * @param archiveBase where commits are published
   * @param options how it behaves
   * @param cacheFolder the plugin's folder
   * @return the source
   * @throws ConfigurationException if the folder cannot be used
   */
  static ChannelSource open(
      Reference configured,
      BaseUrl channelBase,
      BaseUrl archiveBase,
      Options options,
      Path cacheFolder) {
    try {
      return new ChannelSource(configured, channelBase, archiveBase, options, cacheFolder);
    } catch (IOException e) {
      throw new ConfigurationException(
          "The cache folder %s cannot be used: %s.".formatted(cacheFolder, e), e);
    }
  }

  private static String hash(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  @Override
  public String identity() {
    return "nixpkgs of " + channelBase + " and " + archiveBase;
  }

  @Override
  public ResolvedTag resolve(String tag) {
    return switch (reference(tag)) {
      case Reference.Commit(String id) -> new ResolvedTag(tag, Optional.of(id), Optional.empty());
      case Reference.Channel(String name) -> {
        Channels.Current current = channels.current(name);
        Pointer pointer = current.pointer();
        tarballs.put(pointer.revision(), pointer);
        yield new ResolvedTag(tag, Optional.of(pointer.revision()), current.warning());
      }
    };
  }

  /** Asking is cheap unless it is time to ask the host. */
  @Override
  public Duration freshness() {
    return options.refresh().compareTo(CHEAP) < 0 ? options.refresh() : CHEAP;
  }

  private Reference reference(String tag) {
    if (tag.equals(LATEST)) {
      return configured;
    }
    return Reference.of(tag)
        .orElseThrow(() ->
            new UnknownTagException(
                "'" + Names.show(tag) + "' is neither the name of a channel nor a commit."));
  }

  @Override
  public PackageSet checkout(ResolvedTag resolved) {
    String revision =
        resolved
            .revision()
            .orElseThrow(() -> new IllegalArgumentException("not resolved here: " + resolved));
    Optional<Pointer> pointer = tarballs.find(revision);
    PackageSet set =
        cache.get(
            revision,
            folder -> {
              if (pointer.isPresent()) {
                fetchChannel(resolved.tag(), pointer.get(), folder);
              } else {
                fetchCommit(revision, folder);
              }
            });
    if (!Files.isRegularFile(set.path().resolve("default.nix"))) {
      set.close();
      throw new InvalidPackageSetException(
          "Revision %s of %s is no package set: it has no default.nix."
              .formatted(revision, pointer.isPresent() ? channelBase : archiveBase));
    }
    return set;
  }

  private void fetchCommit(String commit, Path folder) throws IOException, InterruptedException {
    try {
      fetch(archiveBase.resolve(commit + ".tar.gz"), commit, folder);
    } catch (Http.StatusException e) {
      throw e.isNotFound()
          ? new UnknownTagException("There is no commit " + commit + " at " + archiveBase + ".")
          : unavailable(commit, e);
    }
  }

  private void fetchChannel(String tag, Pointer pointer, Path folder)
      throws IOException, InterruptedException {
    try {
      boolean verified = fetch(pointer.tarball(), pointer.revision(), folder);
      if (!pointer.immutable()
          && !verified
          && reference(tag) instanceof Reference.Channel channel) {
        String now = channels.ask(channel.name()).revision();
        if (!now.equals(pointer.revision())) {
          throw new SourceUnavailableException(
              "%s moved from %s to %s while it was downloaded. Pull again."
                  .formatted(channel.name(), pointer.revision(), now));
        }
      }
    } catch (Http.StatusException e) {
      throw unavailable(pointer.revision(), e);
    }
  }

  /**
   * Downloads and unpacks a tarball.
   *
   * @return whether the tarball itself says that it is of this revision
   */
  private boolean fetch(URI uri, String revision, Path folder)
      throws IOException, InterruptedException {
    downloads.acquire();
    long started = System.nanoTime();
    try (InputStream in = http.open(uri, options.deadlines().whole())) {
      Optional<String> comment = Tarball.unpack(in, folder, options.limits());
      LOG.log(
          Level.INFO,
          "downloaded and unpacked {0} in {1} ms",
          Http.show(uri),
          Duration.ofNanos(System.nanoTime() - started).toMillis());
      return isOf(revision, comment, folder);
    } catch (CorruptTarballException e) {
      throw new SourceUnavailableException(
          "The tarball %s %s. Nothing of it was kept.".formatted(Http.show(uri), e.getMessage()),
          e);
    } catch (Http.StatusException | FileSystemException e) {
      throw e;
    } catch (IOException e) {
      throw unavailable(revision, e);
    } finally {
      downloads.release();
    }
  }

  private static SourceUnavailableException unavailable(String revision, IOException cause) {
    return new SourceUnavailableException(
        "Revision %s cannot be downloaded: %s.".formatted(revision, cause.getMessage()), cause);
  }

  /**
   * Compares the revision with what the tarball says of itself: a channel in the file {@code
   * .git-revision}, an archive made by git in its global comment.
   */
  private static boolean isOf(String revision, Optional<String> comment, Path folder)
      throws IOException {
    Path file = folder.resolve(".git-revision");
    String own = comment.filter(text -> Reference.COMMIT.matcher(text).matches()).orElse("");
    if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && Files.size(file) <= 100) {
      own = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
    }
    // Channels fall back to an abbreviated commit.
    if (!own.isEmpty() && (own.length() < 7 || !revision.startsWith(own))) {
      throw new CorruptTarballException("is of revision " + Names.show(own) + ", not " + revision);
    }
    return !own.isEmpty();
  }

  @Override
  public List<String> tags() {
    String own =
        switch (configured) {
          case Reference.Channel(String name) -> name;
          case Reference.Commit(String id) -> id;
        };
    return Stream.of(own, LATEST).sorted().toList();
  }

  @Override
  public void close() {
    cache.close();
    http.close();
    scratch.close();
  }
}
