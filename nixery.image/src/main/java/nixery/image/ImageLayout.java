package nixery.image;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * An image as files, in a folder or in a tar archive: an <a
 * href="https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md">OCI image
 * layout</a>. It has Docker's {@code manifest.json} too, of the <a
 * href="https://github.com/moby/moby/blob/v26.0.0/image/spec/v1.2.md#combined-image-json--filesystem-changeset-format">Docker
 * image specification v1.2</a>, as what {@code docker save} writes since version 25: so the archive
 * is both an OCI archive and a Docker archive, and every {@code docker load} takes it. Equal images
 * under equal names give equal bytes.
 */
public final class ImageLayout {

  private static final String BLOBS = "blobs/sha256";
  private static final int DIRECTORY_MODE = 0755;
  private static final int FILE_MODE = 0644;

  private static final JsonMapper JSON = new JsonMapper();

  private final ImageReference reference;
  private final SortedMap<String, Entry> files = new TreeMap<>();

  /** Opens the layers and the configuration of an image. */
  @FunctionalInterface
  public interface Blobs {

    /**
     * Opens a blob.
     *
     * @param digest one that the manifest names
     * @return its bytes, for the caller to close
     * @throws IOException if it cannot be read
     */
    InputStream open(Digest digest) throws IOException;
  }

  private interface Opener {
    InputStream open() throws IOException;
  }

  private record Entry(long size, Opener opener) {}

  /**
   * Prepares to write an image.
   *
   * @param manifest its OCI manifest, of this program's making
   * @param reference what it is called where it is loaded
   * @param blobs what the manifest refers to
   */
  public ImageLayout(Document manifest, ImageReference reference, Blobs blobs) {
    this.reference = reference;
    JsonNode json = JSON.readTree(manifest.bytes());
    String config = add(json.path("config"), blobs);
    List<String> layers = new ArrayList<>();
    json.path("layers").forEach(layer -> layers.add(add(layer, blobs)));
    add(path(manifest.digest()), manifest.bytes());
    add("oci-layout", JSON.writeValueAsBytes(Map.of("imageLayoutVersion", "1.0.0")));
    add("index.json", JSON.writeValueAsBytes(index(manifest)));
    add(
        "manifest.json",
        JSON.writeValueAsBytes(
            List.of(new DockerJson(config, List.of(reference.toString()), layers))));
  }

  private static String path(Digest digest) {
    return BLOBS + "/" + digest.hex();
  }

  private String add(JsonNode descriptor, Blobs blobs) {
    Digest digest = Digest.parse(descriptor.path("digest").asString()).orElseThrow();
    files.put(path(digest), new Entry(descriptor.path("size").asLong(), () -> blobs.open(digest)));
    return path(digest);
  }

  private void add(String path, byte[] bytes) {
    files.put(path, new Entry(bytes.length, () -> new ByteArrayInputStream(bytes)));
  }

  private IndexJson index(Document manifest) {
    SortedMap<String, String> annotations = new TreeMap<>();
    // What Docker and containerd go by, and podman after them.
    annotations.put("io.containerd.image.name", reference.full());
    annotations.put("org.opencontainers.image.ref.name", reference.tag());
    return new IndexJson(
        2,
        MediaTypes.OCI_INDEX,
        List.of(
            new NamedJson(
                manifest.mediaType(),
                manifest.bytes().length,
                manifest.digest().toString(),
                annotations)));
  }

  /**
   * Writes the archive.
   *
   * @param out where to; left open
   * @throws IOException if a blob cannot be read or is not what it should be, or writing fails
   */
  public void writeArchive(OutputStream out) throws IOException {
    TarWriter tar = new TarWriter(out);
    tar.directory("blobs", DIRECTORY_MODE);
    tar.directory(BLOBS, DIRECTORY_MODE);
    for (Map.Entry<String, Entry> file : files.entrySet()) {
      try (InputStream content = file.getValue().opener.open()) {
        tar.file(file.getKey(), FILE_MODE, file.getValue().size, content);
      }
    }
    tar.finish();
  }

  /**
   * Writes the folder.
   *
   * @param folder where to; made if it is not there, and otherwise empty
   * @throws IOException if a blob cannot be read, or writing fails
   */
  public void writeFolder(Path folder) throws IOException {
    Files.createDirectories(folder.resolve(BLOBS));
    for (Map.Entry<String, Entry> file : files.entrySet()) {
      try (InputStream content = file.getValue().opener.open()) {
        Files.copy(content, folder.resolve(file.getKey()));
      }
    }
  }

  @JsonPropertyOrder({"schemaVersion", "mediaType", "manifests"})
  private record IndexJson(
      @JsonProperty int schemaVersion,
      @JsonProperty String mediaType,
      @JsonProperty List<NamedJson> manifests) {}

  @JsonPropertyOrder({"mediaType", "size", "digest", "annotations"})
  private record NamedJson(
      @JsonProperty String mediaType,
      @JsonProperty long size,
      @JsonProperty String digest,
      @JsonProperty SortedMap<String, String> annotations) {}

  @JsonPropertyOrder({"Config", "RepoTags", "Layers"})
  private record DockerJson(
      @JsonProperty("Config") String config,
      @JsonProperty("RepoTags") List<String> repoTags,
      @JsonProperty("Layers") List<String> layers) {}
}
