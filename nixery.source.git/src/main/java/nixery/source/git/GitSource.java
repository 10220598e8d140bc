package nixery.source.git;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import nixery.api.Scratch;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.source.RevisionCache;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;
import org.eclipse.jgit.lib.ObjectId;

/**
 * The package sets in one git repository.
 *
 * <p>An answer of the server to "what is this tag" is shared by all who ask while it is under way
 * and for a second after, so that a burst of requests costs one exchange.
 *
 * <p>The cache folder holds {@code commits/HASH}, a {@link RevisionCache} for each repository by
 * the SHA-256 of its identity, and {@code scratch}, where each process keeps what it fetched.
 */
final class GitSource implements PackageSource {

  /**
   * What can be configured.
   *
   * @param timeout how long the server may be silent, and resolving may take
   * @param fetchTimeout how long a checkout may take
   * @param refresh how long to rely on what a reference points to
   * @param commits whether full commits are accepted as tags
   * @param keep how many exports are kept
   * @param age how long exports are kept after their last use
   */
  record Options(
      Duration timeout,
      Duration fetchTimeout,
      Duration refresh,
      boolean commits,
      int keep,
      Duration age) {}

  private static final String LATEST = "latest";
  private static final String HEAD = "HEAD";
  private static final String TAGS = "refs/tags/";
  private static final String BRANCHES = "refs/heads/";

  private static final Duration FRESH = Duration.ofSeconds(1);

  private static final int DEEPEST_SUBMODULE = 8;
  private static final int MOST_SUBMODULES = 256;

  /** From the OCI distribution specification 1.1, "Pulling manifests". */
  private static final Pattern IMAGE_TAG = Pattern.compile("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");

  private static final Pattern COMMIT = Pattern.compile("[0-9a-fA-F]{40}");

  private final RepositoryAddress address;
  private final Options options;
  private final Scratch scratch;
  private final Connections connections;
  private final GitRepository repository;
  private final RevisionCache exports;
  private final SharedLookups<List<String>, Map<String, ObjectId>> lookups;

  private GitSource(
      RepositoryAddress address, Options options, Scratch scratch, RevisionCache exports) {
    this.address = address;
    this.options = options;
    this.scratch = scratch;
    this.exports = exports;
    this.connections = new Connections(options.timeout());
    this.repository = repository(address);
    this.lookups = new SharedLookups<>(FRESH);
  }

  /**
   * Opens a repository, which need not be reachable yet.
   *
   * @param address of the repository
   * @param options how
   * @param cacheFolder shared with other processes
   * @return the source
   * @throws IOException if the cache folder cannot be written
   */
  static GitSource open(RepositoryAddress address, Options options, Path cacheFolder)
      throws IOException {
    UserSystemReader.install();
    Scratch scratch = Scratch.open(cacheFolder.resolve("scratch"));
    try {
      Path commits = Files.createDirectories(cacheFolder.resolve("commits"));
      RevisionCache exports =
          RevisionCache.open(
              commits.resolve(sha256(address.toString())), options.keep(), options.age());
      pruneOthers(commits, options);
      return new GitSource(address, options, scratch, exports);
    } catch (IOException | RuntimeException e) {
      scratch.close();
      throw e;
    }
  }

  /** Deletes what is too old of repositories that were configured before. */
  private static void pruneOthers(Path commits, Options options) throws IOException {
    try (DirectoryStream<Path> others =
        Files.newDirectoryStream(commits, path -> Files.isDirectory(path))) {
      for (Path other : others) {
        // How many are kept is for those to say who still use it.
        RevisionCache.open(other, Integer.MAX_VALUE, options.age()).close();
      }
    }
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  private GitRepository repository(RepositoryAddress written) {
    RepositoryAddress actual = connections.rewrite(written);
    return actual.kind() == RepositoryAddress.Kind.LOCAL
        ? new LocalRepository(actual, actual.localPath())
        : new NetworkRepository(connections, actual, scratch);
  }

  @Override
  public String identity() {
    return address.toString();
  }

  @Override
  public ResolvedTag resolve(String tag) {
    if (!IMAGE_TAG.matcher(tag).matches()) {
      throw unknown(tag);
    }
    if (options.commits() && COMMIT.matcher(tag).matches()) {
      return new ResolvedTag(tag, Optional.of(tag.toLowerCase(Locale.ROOT)), Optional.empty());
    }
    List<String> candidates =
        tag.equals(LATEST) || tag.equals(HEAD)
            ? List.of(HEAD)
            : List.of(TAGS + tag, BRANCHES + tag);
    Map<String, ObjectId> refs = refs(candidates);
    return candidates.stream()
        .filter(refs::containsKey)
        .findFirst()
        .map(ref -> new ResolvedTag(tag, Optional.of(refs.get(ref).name()), Optional.empty()))
        .orElseThrow(() -> unknown(tag));
  }

  @Override
  public Duration freshness() {
    return options.refresh();
  }

  private Map<String, ObjectId> refs(List<String> prefixes) {
    return lookups.get(
        prefixes,
        () -> {
          try (Deadline deadline = Deadline.in(options.timeout())) {
            try {
              return repository.refs(prefixes);
            } catch (SourceUnavailableException e) {
              throw deadline.isOver() ? tooSlow(deadline, GitSourceProvider.TIMEOUT.name(), e) : e;
            }
          }
        });
  }

  private SourceUnavailableException tooSlow(Deadline deadline, String setting, Throwable cause) {
    return new SourceUnavailableException(
        "%s did not answer within %d seconds (%s)."
            .formatted(address, deadline.limit().toSeconds(), setting),
        cause);
  }

  private UnknownTagException unknown(String tag) {
    String shown = tag.length() > 128 ? tag.substring(0, 128) + "…" : tag;
    return new UnknownTagException(
        tag.equals(LATEST)
            ? "%s has no HEAD that 'latest' could stand for".formatted(address)
            : "no tag, branch or commit '%s' in %s".formatted(shown, address));
  }

  @Override
  public List<String> tags() {
    TreeSet<String> tags = new TreeSet<>();
    for (String ref : refs(List.of(HEAD, TAGS, BRANCHES)).keySet()) {
      if (ref.equals(HEAD)) {
        tags.add(LATEST);
      } else if (ref.startsWith(TAGS)) {
        tags.add(ref.substring(TAGS.length()));
      } else if (ref.startsWith(BRANCHES)) {
        tags.add(ref.substring(BRANCHES.length()));
      }
    }
    tags.removeIf(tag -> !IMAGE_TAG.matcher(tag).matches());
    return List.copyOf(tags);
  }

  @Override
  public PackageSet checkout(ResolvedTag resolved) {
    String commit =
        resolved
            .revision()
            .filter(revision -> COMMIT.matcher(revision).matches())
            .orElseThrow(() -> new IllegalArgumentException("not of this source: " + resolved));
    return exports.get(commit, folder -> export(commit, folder));
  }

  private void export(String commit, Path folder) throws IOException {
    try (Deadline deadline = Deadline.unstarted(options.fetchTimeout())) {
      try {
        exportAll(commit, folder, deadline);
      } catch (GitRepository.MissingCommitException e) {
        throw unknown(commit);
      } catch (InvalidPackageSetException e) {
        throw new InvalidPackageSetException(
            "commit %s of %s is no package set: %s".formatted(commit, address, e.getMessage()));
      } catch (IOException | SourceUnavailableException e) {
        if (deadline.isOver()) {
          throw tooSlow(deadline, GitSourceProvider.FETCH_TIMEOUT.name(), e);
        }
        throw e;
      }
    }
  }

  private void exportAll(String commit, Path folder, Deadline deadline)
      throws IOException, GitRepository.MissingCommitException {
    record Pending(RepositoryAddress parent, Submodule submodule, int depth) {}
    Allowance allowance = new Allowance();
    Deque<Pending> pending = new ArrayDeque<>();
    int seen = 0;
    for (Submodule submodule :
        repository.export(ObjectId.fromString(commit), folder, allowance, deadline)) {
      pending.add(new Pending(address, submodule, 1));
    }
    if (!Files.isRegularFile(folder.resolve("default.nix"))) {
      throw new InvalidPackageSetException("it has no default.nix");
    }
    while (!pending.isEmpty()) {
      Pending next = pending.remove();
      Submodule submodule = next.submodule();
      if (submodule.url().isEmpty()) {
        continue; // As git clone leaves it.
      }
      if (next.depth() > DEEPEST_SUBMODULE || ++seen > MOST_SUBMODULES) {
        throw new InvalidPackageSetException(
            "its submodule '%s' is one too many".formatted(submodule.path()));
      }
      RepositoryAddress origin = origin(next.parent(), submodule);
      for (Submodule inner : export(origin, submodule, allowance, deadline)) {
        pending.add(new Pending(origin, inner, next.depth() + 1));
      }
    }
  }

  private static RepositoryAddress origin(RepositoryAddress parent, Submodule submodule) {
    try {
      return parent.submodule(submodule.url().orElseThrow());
    } catch (IllegalArgumentException e) {
      throw new InvalidPackageSetException(
          "the address of its submodule '%s' cannot be used: %s"
              .formatted(submodule.path(), e.getMessage()));
    }
  }

  private Collection<Submodule> export(
      RepositoryAddress origin, Submodule submodule, Allowance allowance, Deadline deadline)
      throws IOException {
    try (GitRepository other = repository(origin)) {
      return other.export(submodule.commit(), submodule.folder(), allowance, deadline);
    } catch (GitRepository.MissingCommitException e) {
      throw new InvalidPackageSetException(
          "its submodule '%s' is at commit %s, which %s does not have"
              .formatted(submodule.path(), submodule.commit().name(), origin));
    }
  }

  @Override
  public void close() {
    try (scratch;
        connections;
        repository;
        exports;
        lookups) {
      // They are closed from the last to the first.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
