package nixery.server.build;

import java.util.List;
import java.util.Optional;
import nixery.api.source.ResolvedTag;
import nixery.api.storage.Delivery;
import nixery.api.storage.StoredObject;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.MediaTypes;
import nixery.server.failure.Failure;

/**
 * All images that there could be. Thread-safe; every method may block and throws {@link Failure},
 * and nothing else, when it cannot do what it says.
 */
public interface Images {

  /**
   * Says what a tag stands for now, for whoever wants several images that belong together.
   *
   * @param tag a tag as the client sent it
   * @return its meaning, which may be another a moment later
   */
  ResolvedTag resolve(String tag);

  /**
   * Returns an image, built now if need be. Interrupting a waiting caller makes it leave; the build
   * goes on.
   *
   * @param name a repository name as the client sent it, such as {@code shell/git}
   * @param tag what the tag stands for
   * @return the image
   */
  Image image(String name, ResolvedTag tag);

  /**
   * Returns the image that a tag denotes now, built now if need be, as {@link #image(String,
   * ResolvedTag)} does.
   *
   * @param name a repository name as the client sent it, such as {@code shell/git}
   * @param tag a tag as the client sent it
   * @return the image
   */
  default Image image(String name, String tag) {
    return image(name, resolve(tag));
  }

  /**
   * Says in which forms an image can be had by its tag.
   *
   * @param name a repository name as the client sent it
   * @return media types of manifests and indexes, the one first that is to be preferred where the
   *     client does not care; among them {@link MediaTypes#OCI_MANIFEST}, and {@link
   *     MediaTypes#DOCKER_MANIFEST}, which every client can read, unless it cannot name the layers
   */
  default List<String> forms(String name) {
    return List.of(MediaTypes.DOCKER_MANIFEST, MediaTypes.OCI_MANIFEST);
  }

  /**
   * Returns the manifest or index that a tag denotes, built now if need be, as {@link
   * #image(String, String)} does.
   *
   * @param name a repository name as the client sent it
   * @param tag a tag as the client sent it
   * @param form one of the {@link #forms}
   * @return the document, which can be had by its digest from now on
   */
  default Document manifest(String name, String tag, String form) {
    return image(name, tag).manifest(form);
  }

  /**
   * Returns a manifest or index that was built before.
   *
   * @param digest its digest
   * @return the manifest; empty if there is none with this digest
   */
  Optional<Document> manifest(Digest digest);

  /**
   * Says how a layer or config gets to the client.
   *
   * @param digest its digest
   * @return the way; empty if there is none with this digest
   */
  Optional<Delivery> blob(Digest digest);

  /**
   * Reads a layer or config.
   *
   * @param digest its digest
   * @param offset the number of bytes to leave out at the beginning
   * @return the blob, for the caller to close; empty if there is none with this digest
   */
  Optional<StoredObject> openBlob(Digest digest, long offset);

  /**
   * Lists the tags under which every image can be had.
   *
   * @return the tags, sorted
   */
  List<String> tags();
}
