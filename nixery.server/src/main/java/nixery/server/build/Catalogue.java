package nixery.server.build;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import nixery.image.Architecture;
import nixery.server.failure.Failure;
import nixery.server.nix.Resolved;

/**
 * What is known of images that may not be built yet, for people who look before they pull.
 * Thread-safe; every method may block and throws {@link Failure}, and nothing else, when it cannot
 * do what it says.
 */
public interface Catalogue {

  /** What a name would give. */
  sealed interface Preview {

    /**
     * The image is there.
     *
     * @param details what it holds
     */
    record Built(ImageDetails details) implements Preview {}

    /**
     * The image is not there.
     *
     * @param packages what the package set has under each name
     */
    record NotBuilt(SortedMap<String, Resolved> packages) implements Preview {

      /** Copies the map. */
      public NotBuilt {
        packages = new TreeMap<>(packages);
      }

      /** Tells whether all names are packages. */
      public boolean isBuildable() {
        return packages.values().stream().allMatch(each -> each instanceof Resolved.Found);
      }
    }

    /** It is not known now, since there is too much to do. */
    record Busy() implements Preview {}
  }

  /** What came of starting a build. */
  sealed interface Started {

    /**
     * A build goes on, or has just failed.
     *
     * @param id of it
     */
    record Building(String id) implements Started {}

    /** The image is there. */
    record Ready() implements Started {}

    /** Another server on the same storage builds it. */
    record Elsewhere() implements Started {}
  }

  /**
   * Returns the architectures that images can be had for.
   *
   * @return what names can begin with, the one first that is meant where a name has none
   */
  default List<String> architectures() {
    return Stream.of(Architecture.values()).map(Architecture::imageName).toList();
  }

  /**
   * Says what an image holds, or would hold. Nothing is built, but Nix may evaluate: for one caller
   * at a time, and in the turn of a build.
   *
   * @param name a repository name as the client sent it
   * @param tag a tag as the client sent it
   * @return what is known
   */
  Preview preview(String name, String tag);

  /**
   * Says what an image holds that was built before. Nix is not run: an image of a package set
   * without revisions is found only if it was served lately.
   *
   * @param name a repository name as the client sent it
   * @param tag a tag as the client sent it
   * @return what it holds; empty if it is not known to be built
   */
  Optional<ImageDetails> find(String name, String tag);

  /**
   * Has an image built, and returns as soon as it is known which build that is.
   *
   * @param name a repository name as the client sent it
   * @param tag a tag as the client sent it
   * @return the build
   */
  Started start(String name, String tag);
}
