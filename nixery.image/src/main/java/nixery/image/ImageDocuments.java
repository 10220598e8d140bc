package nixery.image;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;

/**
 * The documents of an image. The configuration is one blob for both manifests: what it contains is
 * valid, and means the same, by the <a
 * href="https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md">OCI image
 * specification</a> and by the <a
 * href="https://github.com/moby/moby/blob/v26.0.0/image/spec/v1.2.md">Docker image specification
 * v1.2</a>, from which the former descends.
 *
 * @param config the configuration, with OCI's media type
 * @param dockerManifest the manifest by Docker's "Image Manifest Version 2, Schema 2"; empty if a
 *     layer is compressed as such manifests cannot say
 * @param ociManifest the manifest by the <a
 *     href="https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md">OCI image
 *     specification</a>
 */
public record ImageDocuments(
    Document config, Optional<Document> dockerManifest, Document ociManifest) {

  private static final JsonMapper JSON = new JsonMapper();

  /**
   * Makes the documents. Equal arguments give equal bytes.
   *
   * @param config how the image is to be run
   * @param layers its layers, lowest first
   * @return the documents
   */
  public static ImageDocuments of(ImageConfig config, List<PackedLayerInfo> layers) {
    Document configDocument = document(MediaTypes.OCI_CONFIG, ConfigJson.of(config, layers));
    return new ImageDocuments(
        configDocument,
        dockerManifest(configDocument, layers),
        manifest(
            MediaTypes.OCI_MANIFEST,
            MediaTypes.OCI_CONFIG,
            configDocument,
            layers,
            layers.stream().map(layer -> layer.compression().ociLayerType()).toList()));
  }

  private static Optional<Document> dockerManifest(Document config, List<PackedLayerInfo> layers) {
    List<String> layerTypes =
        layers.stream().flatMap(layer -> layer.compression().dockerLayerType().stream()).toList();
    return layerTypes.size() < layers.size()
        ? Optional.empty()
        : Optional.of(
            manifest(
                MediaTypes.DOCKER_MANIFEST, MediaTypes.DOCKER_CONFIG, config, layers, layerTypes));
  }

  private static Document manifest(
      String mediaType,
      String configType,
      Document config,
      List<PackedLayerInfo> layers,
      List<String> layerTypes) {
    List<DescriptorJson> descriptors = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      PackedLayerInfo layer = layers.get(i);
      descriptors.add(
          new DescriptorJson(layerTypes.get(i), layer.size(), layer.digest().toString()));
    }
    return document(
        mediaType,
        new ManifestJson(
            2,
            mediaType,
            new DescriptorJson(configType, config.bytes().length, config.digest().toString()),
            descriptors));
  }

  private static Document document(String mediaType, Object json) {
    byte[] bytes = JSON.writeValueAsBytes(json);
    return new Document(mediaType, Digest.of(bytes), bytes);
  }

  @JsonPropertyOrder({"schemaVersion", "mediaType", "config", "layers"})
  private record ManifestJson(
      @JsonProperty int schemaVersion,
      @JsonProperty String mediaType,
      @JsonProperty DescriptorJson config,
      @JsonProperty List<DescriptorJson> layers) {}

  @JsonPropertyOrder({"mediaType", "size", "digest"})
  private record DescriptorJson(
      @JsonProperty String mediaType, @JsonProperty long size, @JsonProperty String digest) {}

  /** The history is left out: it may be, and it would have nothing to tell. */
  @JsonPropertyOrder({"created", "architecture", "os", "config", "rootfs"})
  private record ConfigJson(
      @JsonProperty String created,
      @JsonProperty String architecture,
      @JsonProperty String os,
      @JsonProperty RunJson config,
      @JsonProperty RootJson rootfs) {

    static ConfigJson of(ImageConfig config, List<PackedLayerInfo> layers) {
      return new ConfigJson(
          config.created().toString(),
          config.architecture().imageName(),
          "linux",
          RunJson.of(config),
          new RootJson("layers", layers.stream().map(layer -> layer.diffId().toString()).toList()));
    }
  }

  /** What is not said is left out, as Docker does. */
  @JsonPropertyOrder({"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels"})
  private record RunJson(
      @JsonProperty("User") @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<String> user,
      @JsonProperty("ExposedPorts") @JsonInclude(JsonInclude.Include.NON_EMPTY)
          SortedMap<String, Map<String, String>> ports,
      @JsonProperty("Env") List<String> env,
      @JsonProperty("Entrypoint") @JsonInclude(JsonInclude.Include.NON_EMPTY)
          List<String> entrypoint,
      @JsonProperty("Cmd") @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> cmd,
      @JsonProperty("WorkingDir") @JsonInclude(JsonInclude.Include.NON_ABSENT)
          Optional<String> workdir,
      @JsonProperty("Labels") @JsonInclude(JsonInclude.Include.NON_EMPTY)
          SortedMap<String, String> labels) {

    static RunJson of(ImageConfig config) {
      SortedMap<String, Map<String, String>> ports = new TreeMap<>();
      config.ports().forEach(port -> ports.put(port, Map.of())); // a set, as Go writes it
      return new RunJson(
          config.user(),
          ports,
          config.env().entrySet().stream()
              .map(entry -> entry.getKey() + "=" + entry.getValue())
              .toList(),
          config.entrypoint(),
          config.cmd(),
          config.workdir(),
          config.labels());
    }
  }

  @JsonPropertyOrder({"type", "diff_ids"})
  private record RootJson(
      @JsonProperty String type, @JsonProperty("diff_ids") List<String> diffIds) {}
}
