package nixery.image;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes the document that stands for an image on several platforms: Docker's "Manifest List" of
 * its "Image Manifest Version 2, Schema 2", or the <a
 * href="https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md">image index</a> of
 * the OCI image specification. They differ in nothing but media types.
 */
public final class ImageIndex {

  private static final JsonMapper JSON = new JsonMapper();

  private ImageIndex() {}

  /**
   * Writes an index. Equal arguments give equal bytes.
   *
   * @param mediaType {@link MediaTypes#DOCKER_LIST} for manifests in Docker's form, or {@link
   *     MediaTypes#OCI_INDEX} for manifests in OCI's
   * @param manifests of the image, by what they are for; clients that would take several take the
   *     first
   * @return the index
   */
  public static Document of(String mediaType, SequencedMap<Architecture, Document> manifests) {
    return Document.of(
        mediaType,
        JSON.writeValueAsBytes(
            new IndexJson(
                2,
                mediaType,
                manifests.sequencedEntrySet().stream().map(ImageIndex::descriptor).toList())));
  }

  private static DescriptorJson descriptor(Map.Entry<Architecture, Document> entry) {
    Document manifest = entry.getValue();
    return new DescriptorJson(
        manifest.mediaType(),
        manifest.bytes().length,
        manifest.digest().toString(),
        new PlatformJson(entry.getKey().imageName(), "linux"));
  }

  @JsonPropertyOrder({"schemaVersion", "mediaType", "manifests"})
  private record IndexJson(
      @JsonProperty int schemaVersion,
      @JsonProperty String mediaType,
      @JsonProperty List<DescriptorJson> manifests) {}

  @JsonPropertyOrder({"mediaType", "size", "digest", "platform"})
  private record DescriptorJson(
      @JsonProperty String mediaType,
      @JsonProperty long size,
      @JsonProperty String digest,
      @JsonProperty PlatformJson platform) {}

  @JsonPropertyOrder({"architecture", "os"})
  private record PlatformJson(@JsonProperty String architecture, @JsonProperty String os) {}
}
