package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class ImageDocumentsTests {

  private static final PackedLayerInfo LAYER =
      new PackedLayerInfo(
          new Digest("1".repeat(64)), 5_000_000_000L, new Digest("2".repeat(64)), Compression.GZIP);
  private static final PackedLayerInfo UPPER =
      new PackedLayerInfo(
          new Digest("3".repeat(64)), 42, new Digest("4".repeat(64)), Compression.GZIP);

  @Test
  void areWhatTheSpecificationsSay() {
    ImageDocuments documents =
        ImageDocuments.of(
            ImageConfig.of(Architecture.ARM64, List.of("bash")), List.of(LAYER, UPPER));

    assertThat(text(documents.config()))
        .isEqualTo(
            """
            {"created":"1970-01-01T00:00:01Z","architecture":"arm64","os":"linux",\
            "config":{"Env":["GIT_SSL_CAINFO=/etc/ssl/certs/ca-bundle.crt",\
            "NIX_SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt",\
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",\
            "SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt"],"Cmd":["bash"]},\
            "rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s"]}}\
            """
                .formatted("2".repeat(64), "4".repeat(64)));
    assertThat(text(documents.dockerManifest().orElseThrow()))
        .isEqualTo(
            """
            {"schemaVersion":2,\
            "mediaType":"application/vnd.docker.distribution.manifest.v2+json",\
            "config":{"mediaType":"application/vnd.docker.container.image.v1+json",\
            "size":%s,"digest":"%s"},\
            "layers":[\
            {"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip",\
            "size":5000000000,"digest":"sha256:%s"},\
            {"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip",\
            "size":42,"digest":"sha256:%s"}]}\
            """
                .formatted(
                    documents.config().bytes().length,
                    documents.config().digest(),
                    "1".repeat(64),
                    "3".repeat(64)));
    assertThat(text(documents.ociManifest()))
        .isEqualTo(
            text(documents.dockerManifest().orElseThrow())
                .replace(MediaTypes.DOCKER_MANIFEST, "application/vnd.oci.image.manifest.v1+json")
                .replace(MediaTypes.DOCKER_CONFIG, "application/vnd.oci.image.config.v1+json")
                .replace(MediaTypes.DOCKER_LAYER, "application/vnd.oci.image.layer.v1.tar+gzip"));
  }

  @Test
  void layersWithZstdAreInOciManifestsOnly() {
    PackedLayerInfo zstd =
        new PackedLayerInfo(UPPER.digest(), UPPER.size(), UPPER.diffId(), Compression.ZSTD);
    ImageDocuments documents =
        ImageDocuments.of(ImageConfig.of(Architecture.AMD64, List.of()), List.of(LAYER, zstd));

    assertThat(documents.dockerManifest()).isEmpty();
    assertThat(text(documents.ociManifest()))
        .contains(
            "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"size\":5000000000,",
            "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+zstd\",\"size\":42,");
  }

  @Test
  void digestsAreOfTheBytes() {
    ImageDocuments documents =
        ImageDocuments.of(ImageConfig.of(Architecture.AMD64, List.of()), List.of(LAYER));

    assertThat(
            List.of(
                documents.config(),
                documents.dockerManifest().orElseThrow(),
                documents.ociManifest()))
        .allSatisfy(
            document -> assertThat(document.digest()).isEqualTo(Digest.of(document.bytes())));
    assertThat(documents)
        .isEqualTo(
            ImageDocuments.of(ImageConfig.of(Architecture.AMD64, List.of()), List.of(LAYER)));
  }

  @Test
  void theConfigurationSaysHowToRunTheImage() {
    ImageConfig config =
        ImageConfig.builder(Architecture.AMD64)
            .created(Instant.parse("2026-11-23T12:34:56.789Z"))
            .user("nobody:nogroup")
            .port("8080")
            .port("53/udp")
            .env("PATH", "/bin")
            .env("EMPTY", "")
            .entrypoint(List.of("git", "-C", "/src"))
            .cmd(List.of("log"))
            .workdir("/src")
            .label("org.opencontainers.image.title", "git")
            .build();

    assertThat(text(ImageDocuments.of(config, List.of()).config()))
        .startsWith(
            """
            {"created":"2026-11-23T12:34:56Z","architecture":"amd64","os":"linux",\
            "config":{"User":"nobody:nogroup","ExposedPorts":{"53/udp":{},"8080/tcp":{}},\
            "Env":["EMPTY=","GIT_SSL_CAINFO=/etc/ssl/certs/ca-bundle.crt",\
            "NIX_SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt","PATH=/bin",\
            "SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt"],\
            "Entrypoint":["git","-C","/src"],"Cmd":["log"],"WorkingDir":"/src",\
            "Labels":{"org.opencontainers.image.title":"git"}},\
            """);
  }

  private static String text(Document document) {
    return new String(document.bytes(), StandardCharsets.UTF_8);
  }
}
