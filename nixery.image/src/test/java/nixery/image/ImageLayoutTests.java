package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients make of it is in the tests of the runtime. */
final class ImageLayoutTests {

  private static final byte[] LOWER = "lower".getBytes(StandardCharsets.UTF_8);
  private static final byte[] UPPER = "upper".getBytes(StandardCharsets.UTF_8);

  private static final ImageDocuments DOCUMENTS =
      ImageDocuments.of(
          ImageConfig.builder(Architecture.AMD64).build(), List.of(layer(LOWER), layer(UPPER)));

  @TempDir Path folder;

  private static PackedLayerInfo layer(byte[] bytes) {
    return new PackedLayerInfo(Digest.of(bytes), bytes.length, Digest.of(bytes), Compression.GZIP);
  }

  private static ImageLayout layout(Map<Digest, byte[]> blobs) {
    return new ImageLayout(
        DOCUMENTS.ociManifest(),
        ImageReference.parse("tools/git:v1"),
        digest -> new ByteArrayInputStream(blobs.get(digest)));
  }

  private static Map<Digest, byte[]> blobs() {
    return Map.of(
        Digest.of(LOWER), LOWER,
        Digest.of(UPPER), UPPER,
        DOCUMENTS.config().digest(), DOCUMENTS.config().bytes());
  }

  @Test
  void aFolderIsAnOciImageLayoutAndADockerArchive() throws IOException {
    Path target = folder.resolve("image");
    layout(blobs()).writeFolder(target);

    Document manifest = DOCUMENTS.ociManifest();
    String config = DOCUMENTS.config().digest().hex();
    assertThat(target.resolve("oci-layout")).hasContent("{\"imageLayoutVersion\":\"1.0.0\"}");
    assertThat(target.resolve("index.json"))
        .hasContent(
            """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[\
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":%d,"digest":"%s",\
            "annotations":{"io.containerd.image.name":"docker.io/tools/git:v1",\
            "org.opencontainers.image.ref.name":"v1"}}]}\
            """
                .formatted(manifest.bytes().length, manifest.digest()));
    assertThat(target.resolve("manifest.json"))
        .hasContent(
            """
            [{"Config":"blobs/sha256/%s","RepoTags":["tools/git:v1"],\
            "Layers":["blobs/sha256/%s","blobs/sha256/%s"]}]\
            """
                .formatted(config, Digest.of(LOWER).hex(), Digest.of(UPPER).hex()));
    Path sha256 = target.resolve("blobs/sha256");
    assertThat(sha256.resolve(Digest.of(UPPER).hex())).hasBinaryContent(UPPER);
    assertThat(sha256.resolve(config)).hasBinaryContent(DOCUMENTS.config().bytes());
    assertThat(sha256.resolve(manifest.digest().hex())).hasBinaryContent(manifest.bytes());
    assertThat(sha256).isDirectoryNotContaining(file -> !Files.isRegularFile(file));
  }

  @Test
  void anArchiveIsTheFolderAndHasTheSameBytesEachTime() throws Exception {
    Path target = folder.resolve("image");
    layout(blobs()).writeFolder(target);
    Path archive = folder.resolve("image.tar");
    Files.write(archive, archive(blobs()));
    assertThat(archive(blobs())).isEqualTo(Files.readAllBytes(archive));

    Path unpacked = Files.createDirectory(folder.resolve("unpacked"));
    Tool.run(folder, "tar", "-xf", archive.toString(), "-C", unpacked.toString());
    assertThat(Tool.run(folder, "diff", "-r", target.toString(), unpacked.toString())).isEmpty();
  }

  private static byte[] archive(Map<Digest, byte[]> blobs) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    layout(blobs).writeArchive(bytes);
    return bytes.toByteArray();
  }

  @Test
  void aBlobOfAnotherLengthIsAnError() {
    for (String wrong : List.of("uppe", "upperr")) {
      Map<Digest, byte[]> blobs = new HashMap<>(blobs());
      blobs.put(Digest.of(UPPER), wrong.getBytes(StandardCharsets.UTF_8));
      assertThatIOException().isThrownBy(() -> archive(blobs));
    }
  }
}
