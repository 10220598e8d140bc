package nixery.server.build;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.image.Digest;
import nixery.image.Document;

/**
 * Remembers images that are complete in the storage, with their manifests, and which blobs were
 * seen there when. Takes a bounded number of bytes. Thread-safe.
 *
 * <p>An image is recalled for as long as all its blobs were seen within the last while. Whoever
 * finds that a blob is not what is remembered here has all of it forgotten: what was deleted behind
 * the server's back was seldom deleted alone.
 */
final class ImageMemory {

  private static final long MAX_IMAGES = Math.min(32 << 20, Runtime.getRuntime().maxMemory() / 8);
  private static final long MAX_MANIFESTS =
      Math.min(16 << 20, Runtime.getRuntime().maxMemory() / 16);

  /** What an image and a blob take in memory, about, besides the text of the manifests. */
  private static final int IMAGE_SIZE = 1024;

  private static final int BLOB_SIZE = 320;

  private final long trustNanos;
  private final BoundedCache<Digest, Remembered> images =
      new BoundedCache<>(MAX_IMAGES, Remembered::size, this::release);
  private final BoundedCache<Digest, Document> manifests =
      new BoundedCache<>(MAX_MANIFESTS, document -> document.bytes().length + IMAGE_SIZE);

  /** Those of the images, guarded by their own monitor. */
  private final Map<Digest, Seen> blobs = new HashMap<>();

  /** An image and its blobs. */
  static final class Remembered {

    private final CompleteImage image;
    private volatile long verified;
    private volatile boolean used;

    private Remembered(CompleteImage image, long verified) {
      this.image = image;
      this.verified = verified;
    }

    List<CompleteImage.Blob> blobs() {
      return image.blobs();
    }

    List<Document> manifests() {
      return Stream.concat(image.image().docker().stream(), Stream.of(image.image().oci()))
          .toList();
    }

    Digest digest() {
      return image.image().oci().digest();
    }

    private long size() {
      return IMAGE_SIZE
          + image.image().docker().map(docker -> docker.bytes().length).orElse(0)
          + image.image().oci().bytes().length
          + (long) BLOB_SIZE * image.blobs().size();
    }
  }

  /** A blob that was seen in the storage. */
  private static final class Seen {
    private final long size;
    private long when;
    private int images;

    private Seen(long size, long when) {
      this.size = size;
      this.when = when;
    }
  }

  /**
   * Creates an empty one.
   *
   * @param trust how long a blob that was seen is taken to be there
   */
  ImageMemory(Duration trust) {
    this.trustNanos = trust.toNanos();
  }

  /** Returns an image whose blobs were all there within the last while. */
  Optional<CompleteImage> recall(Digest key) {
    Remembered known = images.find(key).orElse(null);
    if (known == null || System.nanoTime() - known.verified >= trustNanos) {
      return Optional.empty();
    }
    if (!known.used) {
      known.used = true;
    }
    return Optional.of(known.image);
  }

  /**
   * Remembers an image.
   *
   * @param key that stands for it
   * @param image all of which is in the storage
   * @param since when the look at those of its blobs began that were not {@link #isTrusted}
   */
  void keep(Digest key, CompleteImage image, long since) {
    long oldest = since;
    synchronized (blobs) {
      for (CompleteImage.Blob blob : image.blobs()) {
        Seen seen = blobs.get(blob.digest());
        if (seen == null || seen.size != blob.size() || !isFresh(seen, since, trustNanos)) {
          int users = seen == null ? 0 : seen.images;
          seen = new Seen(blob.size(), since);
          seen.images = users;
          blobs.put(blob.digest(), seen);
        }
        seen.images++;
        oldest = Math.min(oldest - since, seen.when - since) + since;
      }
    }
    image.image().docker().ifPresent(this::keepManifest);
    keepManifest(image.image().oci());
    images.put(key, new Remembered(image, oldest));
  }

  private void release(Remembered image) {
    synchronized (blobs) {
      for (CompleteImage.Blob blob : image.blobs()) {
        Seen seen = blobs.get(blob.digest());
        if (seen != null && --seen.images <= 0) {
          blobs.remove(blob.digest());
        }
      }
    }
  }

  private static boolean isFresh(Seen seen, long now, long nanos) {
    return now - seen.when < nanos;
  }

  /** Tells whether a blob was seen within the last while. */
  boolean isTrusted(CompleteImage.Blob blob) {
    return isTrusted(blob, trustNanos);
  }

  private boolean isTrusted(CompleteImage.Blob blob, long nanos) {
    synchronized (blobs) {
      Seen seen = blobs.get(blob.digest());
      return seen != null && seen.size == blob.size() && isFresh(seen, System.nanoTime(), nanos);
    }
  }

  /** Returns the size of a blob that an image has which is remembered. */
  Optional<Long> size(Digest blob) {
    synchronized (blobs) {
      return Optional.ofNullable(blobs.get(blob)).map(seen -> seen.size);
    }
  }

  Optional<Document> manifest(Digest digest) {
    return manifests.find(digest);
  }

  /** Tells whether an image is remembered that has this manifest. */
  boolean hasImageOf(Digest manifest) {
    return images.snapshot().values().stream()
        .flatMap(image -> image.manifests().stream())
        .anyMatch(document -> document.digest().equals(manifest));
  }

  void keepManifest(Document manifest) {
    manifests.put(manifest.digest(), manifest);
  }

  /** Forgets everything. */
  void forget() {
    images.clear();
    manifests.clear();
  }

  /** Returns the images that were used since they were verified half of the time or more ago. */
  List<Remembered> due() {
    long now = System.nanoTime();
    return images.snapshot().values().stream()
        .filter(image -> image.used && now - image.verified >= trustNanos / 2)
        .toList();
  }

  /** Returns the blobs of an image that were not seen for half of the time or more. */
  List<CompleteImage.Blob> due(Remembered image) {
    return image.blobs().stream().filter(blob -> !isTrusted(blob, trustNanos / 2)).toList();
  }

  /**
   * Notes that the blobs of an image were seen.
   *
   * @param image whose blobs they are
   * @param due those of them that were looked for
   * @param since when the look at them began
   */
  void verified(Remembered image, List<CompleteImage.Blob> due, long since) {
    long oldest = since;
    synchronized (blobs) {
      for (CompleteImage.Blob blob : due) {
        Seen seen = blobs.get(blob.digest());
        if (seen != null) {
          seen.when = since;
        }
      }
      for (CompleteImage.Blob blob : image.blobs()) {
        Seen seen = blobs.get(blob.digest());
        if (seen != null) {
          oldest = Math.min(oldest - since, seen.when - since) + since;
        }
      }
    }
    image.used = false;
    image.verified = oldest;
  }
}
