package nixery.source.path;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;

/**
 * A package set on this machine, used where it is. It has one tag, {@code latest}. It has a
 * revision only if it is in the Nix store, where nothing ever changes; what is elsewhere is
 * evaluated for each request.
 *
 * <p>Symbolic links are followed anew for each request, so that a link into the store, such as that
 * of a channel, may be moved on while the server runs.
 *
 * @param path the absolute path that was configured
 * @param store the folder of the Nix store
 */
record PathSource(Path path, Path store) implements PackageSource {

  private static final String LATEST = "latest";

  @Override
  public String identity() {
    return "path:" + path;
  }

  @Override
  public ResolvedTag resolve(String tag) {
    if (!tag.equals(LATEST)) {
      throw new UnknownTagException(
          "no tag '%s': the package set is a local path, which has no tags but '%s'"
              .formatted(tag, LATEST));
    }
    return new ResolvedTag(tag, revision(realPath()), Optional.empty());
  }

  /** Links are followed for each request. */
  @Override
  public Duration freshness() {
    return Duration.ZERO;
  }

  /** Returns what names the real path within the store: {@code <hash>-<name>}, perhaps more. */
  private Optional<String> revision(Path realPath) {
    return realPath.startsWith(store) && !realPath.equals(store)
        ? Optional.of(store.relativize(realPath).toString())
        : Optional.empty();
  }

  @Override
  public PackageSet checkout(ResolvedTag resolved) {
    // A link may have been moved on: what has a revision is still where it was.
    Path realPath = resolved.revision().map(store::resolve).orElseGet(this::realPath);
    check(realPath);
    return PackageSet.of(realPath);
  }

  private Path realPath() {
    try {
      return path.toRealPath();
    } catch (IOException e) {
      throw new SourceUnavailableException(path + " does not exist or cannot be read", e);
    }
  }

  /**
   * Checks that Nix can import what is there.
   *
   * @throws SourceUnavailableException if it is not there or cannot be read
   * @throws InvalidPackageSetException if it is nothing to import
   */
  void check() {
    check(realPath());
  }

  private void check(Path realPath) {
    Path file = realPath;
    if (Files.isDirectory(realPath)) {
      file = realPath.resolve("default.nix");
      if (Files.isReadable(realPath) && !Files.isRegularFile(file)) {
        throw new InvalidPackageSetException("the package set is a folder without a default.nix");
      }
    } else if (Files.exists(realPath) && !isNixFile(realPath)) {
      throw new InvalidPackageSetException(
          "the package set is neither a .nix file nor a folder with a default.nix");
    }
    if (!Files.isReadable(file)) {
      throw new SourceUnavailableException(path + " does not exist or cannot be read");
    }
  }

  private boolean isNixFile(Path realPath) {
    return Files.isRegularFile(realPath)
        && (path.toString().endsWith(".nix") || realPath.toString().endsWith(".nix"));
  }

  @Override
  public List<String> tags() {
    return List.of(LATEST);
  }

  @Override
  public void close() {}
}
