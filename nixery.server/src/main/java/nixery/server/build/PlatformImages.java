package nixery.server.build;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Consumer;
import nixery.api.source.ResolvedTag;
import nixery.api.storage.Delivery;
import nixery.api.storage.StoredObject;
import nixery.image.Architecture;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.ImageIndex;
import nixery.image.MediaTypes;
import nixery.server.failure.Failure;

/**
 * Offers every image for several platforms under one name, by an index of their manifests. Clients
 * that do not know indexes get the image of the first platform. A name that has an architecture
 * among its meta-packages denotes the image for that alone, as ever.
 *
 * <p>An index is a function of its manifests. It is kept whenever a tag is asked for: what was lost
 * comes back as it was.
 */
public final class PlatformImages implements Images {

  private final Images images;
  private final Consumer<Document> keep;
  private final List<Architecture> platforms;

  /**
   * Creates one.
   *
   * @param images builds for one platform at a time
   * @param keep is given each index, so that it can be had by its digest
   * @param platforms what to build for, at least one, without repetition
   */
  public PlatformImages(Images images, Consumer<Document> keep, List<Architecture> platforms) {
    this.images = images;
    this.keep = keep;
    this.platforms = List.copyOf(platforms);
  }

  @Override
  public List<String> forms(String name) {
    List<String> forms = new ArrayList<>(images.forms(name));
    if (!ImageName.namesArchitecture(name)) {
      forms.addFirst(MediaTypes.OCI_INDEX);
      if (forms.contains(MediaTypes.DOCKER_MANIFEST)) {
        forms.addFirst(MediaTypes.DOCKER_LIST);
      }
    }
    return List.copyOf(forms);
  }

  @Override
  public Document manifest(String name, String tag, String form) {
    return switch (form) {
      case MediaTypes.DOCKER_LIST -> index(name, tag, form, MediaTypes.DOCKER_MANIFEST);
      case MediaTypes.OCI_INDEX -> index(name, tag, form, MediaTypes.OCI_MANIFEST);
      default -> images.manifest(withFirst(name), tag, form);
    };
  }

  /** What became of the image for one platform. */
  private sealed interface Outcome {
    record Built(Document manifest) implements Outcome {}

    record Failed(Failure failure) implements Outcome {}
  }

  private Document index(String name, String tag, String form, String manifestForm) {
    ImageName.parse(withFirst(name)); // so that what is wrong with the name is told first
    // The tag may move meanwhile; an index is of one revision.
    ResolvedTag resolved = images.resolve(tag);
    List<Outcome> outcomes =
        Parallel.map(platforms, platform -> attempt(name(platform, name), resolved, manifestForm));
    check(name, outcomes);
    SequencedMap<Architecture, Document> manifests = new LinkedHashMap<>();
    for (int i = 0; i < platforms.size(); i++) {
      if (outcomes.get(i) instanceof Outcome.Built(Document manifest)) {
        manifests.put(platforms.get(i), manifest);
      }
    }
    Document index = ImageIndex.of(form, manifests);
    keep.accept(index);
    return index;
  }

  private Outcome attempt(String name, ResolvedTag tag, String form) {
    try {
      return new Outcome.Built(images.image(name, tag).manifest(form));
    } catch (Failure e) {
      return new Outcome.Failed(e);
    }
  }

  /**
   * Fails if one platform did: an index in which it is missing would be taken for the whole, here
   * and in every cache.
   */
  private void check(String name, List<Outcome> outcomes) {
    List<Failure> failures = new ArrayList<>();
    List<Architecture> failed = new ArrayList<>();
    for (int i = 0; i < platforms.size(); i++) {
      if (outcomes.get(i) instanceof Outcome.Failed(Failure failure)) {
        failures.add(failure);
        failed.add(platforms.get(i));
      }
    }
    if (failures.isEmpty()) {
      return;
    }
    Failure first = failures.getFirst();
    boolean alike =
        failures.size() == platforms.size()
            && failures.stream()
                .allMatch(other ->
                    other.code() == first.code() && other.getMessage().equals(first.getMessage()));
    String message =
        alike
            ? first.getMessage()
            : "for linux/%s: %s%s"
                .formatted(failed.getFirst().imageName(), first.getMessage(), others(name, failed));
    throw new Failure(first.code(), message, first);
  }

  /** Says where to get the image for the platforms that did not fail. */
  private String others(String name, List<Architecture> failed) {
    List<String> names =
        platforms.stream()
            .filter(platform -> !failed.contains(platform))
            .map(platform -> name(platform, name))
            .toList();
    return names.isEmpty()
        ? ""
        : " (there is an image for one platform alone: %s)".formatted(String.join(", ", names));
  }

  private static String name(Architecture platform, String name) {
    return platform.imageName() + "/" + name;
  }

  private String withFirst(String name) {
    return ImageName.namesArchitecture(name) ? name : name(platforms.getFirst(), name);
  }

  @Override
  public ResolvedTag resolve(String tag) {
    return images.resolve(tag);
  }

  @Override
  public Image image(String name, String tag) {
    return images.image(withFirst(name), tag);
  }

  @Override
  public Image image(String name, ResolvedTag tag) {
    return images.image(withFirst(name), tag);
  }

  @Override
  public Optional<Document> manifest(Digest digest) {
    return images.manifest(digest);
  }

  @Override
  public Optional<Delivery> blob(Digest digest) {
    return images.blob(digest);
  }

  @Override
  public Optional<StoredObject> openBlob(Digest digest, long offset) {
    return images.openBlob(digest, offset);
  }

  @Override
  public List<String> tags() {
    return images.tags();
  }
}
