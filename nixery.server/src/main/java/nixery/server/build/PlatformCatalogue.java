package nixery.server.build;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.image.Architecture;

/**
 * A catalogue of images that are built for several platforms, as {@link PlatformImages} are: a name
 * without an architecture denotes the image of the first platform, and is built for all of them.
 */
public final class PlatformCatalogue implements Catalogue {

  private final Catalogue catalogue;
  private final List<Architecture> platforms;

  /**
   * Creates one.
   *
   * @param catalogue of images for one platform each
   * @param platforms what is built for, at least one, without repetition
   */
  public PlatformCatalogue(Catalogue catalogue, List<Architecture> platforms) {
    this.catalogue = catalogue;
    this.platforms = List.copyOf(platforms);
  }

  @Override
  public List<String> architectures() {
    return Stream.concat(
            platforms.stream().map(Architecture::imageName), catalogue.architectures().stream())
        .distinct()
        .toList();
  }

  @Override
  public Preview preview(String name, String tag) {
    return catalogue.preview(names(name).getFirst(), tag);
  }

  @Override
  public Optional<ImageDetails> find(String name, String tag) {
    return catalogue.find(names(name).getFirst(), tag);
  }

  /** Returns a build that goes on, where there is one; that of the first platform rather. */
  @Override
  public Started start(String name, String tag) {
    List<Started> started = names(name).stream().map(each -> catalogue.start(each, tag)).toList();
    return started.stream()
        .filter(each -> each instanceof Started.Building)
        .findFirst()
        .orElse(started.getFirst());
  }

  private List<String> names(String name) {
    return ImageName.namesArchitecture(name)
        ? List.of(name)
        : platforms.stream().map(platform -> platform.imageName() + "/" + name).toList();
  }
}
