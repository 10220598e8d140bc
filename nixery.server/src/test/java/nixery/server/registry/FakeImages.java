package nixery.server.registry;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import nixery.api.source.ResolvedTag;
import nixery.api.storage.Delivery;
import nixery.api.storage.StoredObject;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.server.build.Image;
import nixery.server.build.Images;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/** Images that are put in by hand. */
public final class FakeImages implements Images {

  static final String DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
  static final String OCI = "application/vnd.oci.image.manifest.v1+json";

  /** What {@link #image} does. */
  @FunctionalInterface
  interface Builder {
    Image build(String name, String tag);
  }

  /** A blob that is not a file. */
  private record Stream(long length, Opener opener) {}

  /** Opens a blob that is not a file. */
  @FunctionalInterface
  interface Opener {
    InputStream open(long offset) throws IOException;
  }

  final AtomicInteger calls = new AtomicInteger();
  final AtomicInteger openStreams = new AtomicInteger();

  private final Map<Digest, Document> manifests = new ConcurrentHashMap<>();
  private final Map<Digest, Delivery> blobs = new ConcurrentHashMap<>();
  private final Map<Digest, Stream> streams = new ConcurrentHashMap<>();
  private volatile Builder builder =
      (name, tag) -> {
        throw new Failure(FailureCode.PACKAGE_UNKNOWN, "no package " + name);
      };
  private volatile List<String> forms = List.of(DOCKER, OCI);
  private volatile List<String> tags = List.of("latest");

  void onImage(Builder newBuilder) {
    builder = newBuilder;
  }

  void offer(String... newForms) {
    forms = List.of(newForms);
  }

  void tags(List<String> newTags) {
    tags = newTags;
  }

  /** Makes an image of two texts that are not manifests, which nobody here notices. */
  Image addImage(String text) {
    Document docker = manifest(DOCKER, "docker " + text);
    Document oci = manifest(OCI, "open container " + text);
    addManifest(docker);
    addManifest(oci);
    return new Image(Optional.of(docker), oci);
  }

  private static Document manifest(String type, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return new Document(type, Digest.of(bytes), bytes);
  }

  void addManifest(Document manifest) {
    manifests.put(manifest.digest(), manifest);
  }

  Digest addFile(Path file, byte[] content) throws IOException {
    Files.write(file, content);
    Digest digest = Digest.of(content);
    addFile(digest, file, content.length);
    return digest;
  }

  void addFile(Digest digest, Path file, long length) {
    blobs.put(digest, new Delivery.LocalFile(file, length));
  }

  Digest addBytes(byte[] content) {
    Digest digest = Digest.of(content);
    addStream(
        digest,
        content.length,
        offset -> new ByteArrayInputStream(content, (int) offset, content.length - (int) offset));
    return digest;
  }

  void addStream(Digest digest, long length, Opener opener) {
    blobs.put(digest, new Delivery.Streamed(length));
    streams.put(digest, new Stream(length, opener));
  }

  void addRedirect(Digest digest, Delivery.Redirect redirect) {
    blobs.put(digest, redirect);
  }

  @Override
  public List<String> forms(String name) {
    return forms;
  }

  @Override
  public ResolvedTag resolve(String tag) {
    return new ResolvedTag(tag, Optional.empty(), Optional.empty());
  }

  @Override
  public Image image(String name, ResolvedTag tag) {
    calls.incrementAndGet();
    return builder.build(name, tag.tag());
  }

  @Override
  public Optional<Document> manifest(Digest digest) {
    calls.incrementAndGet();
    return Optional.ofNullable(manifests.get(digest));
  }

  @Override
  public Optional<Delivery> blob(Digest digest) {
    calls.incrementAndGet();
    return Optional.ofNullable(blobs.get(digest));
  }

  @Override
  public Optional<StoredObject> openBlob(Digest digest, long offset) {
    calls.incrementAndGet();
    return Optional.ofNullable(streams.get(digest)).map(stream -> open(stream, offset));
  }

  private StoredObject open(Stream stream, long offset) {
    try {
      InputStream opened = stream.opener().open(offset);
      openStreams.incrementAndGet();
      return new StoredObject(stream.length(), new CountedStream(opened));
    } catch (IOException e) {
      throw new Failure(FailureCode.STORAGE_UNAVAILABLE, "cannot be opened", e);
    }
  }

  @Override
  public List<String> tags() {
    calls.incrementAndGet();
    return tags;
  }

  private final class CountedStream extends java.io.FilterInputStream {

    private boolean closed;

    CountedStream(InputStream in) {
      super(in);
    }

    @Override
    public void close() throws IOException {
      if (!closed) {
        closed = true;
        openStreams.decrementAndGet();
      }
      super.close();
    }
  }
}
