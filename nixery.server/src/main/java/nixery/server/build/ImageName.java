package nixery.server.build;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import nixery.image.Architecture;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/**
 * What the repository name of an image asks for. The components of the name are attributes of the
 * package set; meta-packages may stand before them. Order and repetition do not matter.
 *
 * @param architecture which machines the image is for, as the meta-packages {@code arm64} and
 *     {@code amd64} say; amd64 if none of them is there
 * @param shell whether the meta-package {@code shell} asks for an image to be used interactively
 * @param packages the attributes that were named
 */
public record ImageName(Architecture architecture, boolean shell, SortedSet<String> packages) {

  /** How many packages one name may have. */
  private static final int MAX_PACKAGES = 100;

  private static final String SHELL = "shell";

  /** What {@code shell} stands for. */
  private static final List<String> SHELL_PACKAGES =
      List.of("bashInteractive", "coreutils", "moreutils", "nano");

  /** Copies the packages. */
  public ImageName {
    packages = new TreeSet<>(packages);
  }

  /**
   * Reads a repository name.
   *
   * @param repository a name that the distribution specification allows
   * @return what it asks for
   * @throws Failure {@link FailureCode#NAME_INVALID} if it names no package, or too many
   */
  public static ImageName parse(String repository) {
    List<String> components = new ArrayList<>(List.of(repository.split("/", -1)));
    Set<String> metaPackages = new HashSet<>();
    while (!components.isEmpty() && isMetaPackage(components.getFirst())) {
      metaPackages.add(components.removeFirst());
    }
    boolean shell = metaPackages.remove(SHELL);
    if (metaPackages.size() > 1) {
      throw new Failure(
          FailureCode.NAME_INVALID,
          "'%s' names more than one architecture: leave all but one out".formatted(repository));
    }
    Architecture architecture =
        metaPackages.stream()
            .flatMap(name -> Architecture.named(name).stream())
            .findFirst()
            .orElse(Architecture.AMD64);
    if (components.isEmpty() && !shell) {
      throw new Failure(
          FailureCode.NAME_INVALID,
          "'%s' names no package: append one, as in %s/git".formatted(repository, repository));
    }
    SortedSet<String> packages = new TreeSet<>(components);
    if (packages.size() > MAX_PACKAGES) {
      throw new Failure(
          FailureCode.NAME_INVALID, "an image may name at most " + MAX_PACKAGES + " packages");
    }
    return new ImageName(architecture, shell, packages);
  }

  private static boolean isMetaPackage(String component) {
    return component.equals(SHELL) || Architecture.named(component).isPresent();
  }

  /**
   * Tells whether a repository name says which architecture it is for.
   *
   * @param repository a name that the distribution specification allows
   */
  static boolean namesArchitecture(String repository) {
    return Stream.of(repository.split("/", -1))
        .takeWhile(ImageName::isMetaPackage)
        .anyMatch(component -> !component.equals(SHELL));
  }

  /** Returns all attributes that must be there: those named, and those that {@code shell} means. */
  public SortedSet<String> attributes() {
    SortedSet<String> attributes = new TreeSet<>(packages);
    if (shell) {
      attributes.addAll(SHELL_PACKAGES);
    }
    return attributes;
  }

  /** Returns the one form that all names of this image have in common. */
  @Override
  public String toString() {
    return String.join(
        "/",
        Stream.of(
                architecture == Architecture.AMD64
                    ? Stream.<String>empty()
                    : Stream.of(architecture.imageName()),
                shell ? Stream.of(SHELL) : Stream.<String>empty(),
                packages.stream())
            .flatMap(names -> names)
            .toList());
  }
}
