package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.throwable;

import java.util.List;
import nixery.image.Digest;
import nixery.property.Property;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import org.junit.jupiter.api.Test;

final class EndpointTests {

  private static final Digest DIGEST = Digest.of(new byte[0]);

  @Test
  void readsEveryEndpoint() {
    assertThat(Endpoint.parse("/v2")).isEqualTo(new Endpoint.Base());
    assertThat(Endpoint.parse("/v2/")).isEqualTo(new Endpoint.Base());
    assertThat(Endpoint.parse("http://example.org:80/v2/")).isEqualTo(new Endpoint.Base());
    assertThat(Endpoint.parse("/v2/shell/git/manifests/v1.0"))
        .isEqualTo(
            new Endpoint.ManifestOf(new RepositoryName("shell/git"), new Reference.Tag("v1.0")));
    assertThat(Endpoint.parse("/v2/git/manifests/" + DIGEST))
        .isEqualTo(new Endpoint.ManifestOf(new RepositoryName("git"), new Reference.Known(DIGEST)));
    assertThat(Endpoint.parse("/v2/git/tags/list"))
        .isEqualTo(new Endpoint.TagsOf(new RepositoryName("git")));
    assertThat(Endpoint.parse("/v2/git/referrers/" + DIGEST))
        .isEqualTo(
            new Endpoint.ReferrersOf(new RepositoryName("git"), new Reference.Known(DIGEST)));
    for (String uploads : List.of("uploads", "uploads/", "uploads/some-id")) {
      assertThat(Endpoint.parse("/v2/git/blobs/" + uploads))
          .isEqualTo(new Endpoint.UploadsTo(new RepositoryName("git")));
    }
  }

  private static final List<String> COMPONENTS =
      List.of("git", "blobs", "manifests", "tags", "referrers", "uploads", "list", "v2", "a-b_c.d");

  @Test
  void takesTheLastMarker() {
    Property.holds(
        300,
        samples ->
            assertLastMarkerTaken(
                String.join("/", samples.list(1, 6, () -> samples.of(COMPONENTS)))));
  }

  private static void assertLastMarkerTaken(String name) {
    assertThat(Endpoint.parse("/v2/" + name + "/blobs/" + DIGEST))
        .isEqualTo(new Endpoint.BlobOf(new RepositoryName(name), new Reference.Known(DIGEST)));
    assertThat(Endpoint.parse("/v2/" + name + "/manifests/list"))
        .isEqualTo(new Endpoint.ManifestOf(new RepositoryName(name), new Reference.Tag("list")));
    assertThat(Endpoint.parse("/v2/" + name + "/tags/list"))
        .isEqualTo(new Endpoint.TagsOf(new RepositoryName(name)));
  }

  @Test
  void tellsPathsThatHaveToBeResolved() {
    for (String path :
        List.of("/", "/v2", "/v2/", "/v2/a/.b/..c/d./...", "/a;b", "/%252e/", "http://x/v2/")) {
      assertThat(Endpoint.isPlain(path)).as(path).isTrue();
    }
    for (String path :
        List.of("//", "/v2//", "/.", "/..", "/a/./b", "/a/../b", "/%2e./", "/a%2F..", "/..;a/b")) {
      assertThat(Endpoint.isPlain(path)).as(path).isFalse();
    }
  }

  @Test
  void decodesOnce() {
    assertThat(
            Endpoint.parse("/v2/shell%2Fgit/%6danifests/" + DIGEST.toString().replace(":", "%3A")))
        .isEqualTo(
            new Endpoint.ManifestOf(new RepositoryName("shell/git"), new Reference.Known(DIGEST)));
    assertCode("/v2/shell%252Fgit/manifests/latest", FailureCode.NAME_INVALID);
    assertCode("/v2/git/manifests/%256c", FailureCode.REFERENCE_INVALID);
    assertCode("/v2/git/manifests/a+b", FailureCode.REFERENCE_INVALID);
    assertCode("/v2/git/manifests/%zz", FailureCode.NAME_INVALID);
  }

  @Test
  void saysWhatIsWrong() {
    for (String path :
        List.of(
            "/", "", "/v1/", "/v2x", "/v2/git", "/v2/_catalog", "/v2/git/tags/list/", "/v2//")) {
      assertCode(path, FailureCode.NOT_FOUND);
    }
    for (String path :
        List.of(
            "/v2/Git/manifests/latest",
            "/v2//manifests/latest",
            "/v2/manifests/latest",
            "/v2/git//x/manifests/latest",
            "/v2/../../etc/manifests/latest",
            "/v2/%2e%2e/blobs/" + DIGEST,
            "/v2/_git/tags/list",
            "/v2/a%00b/tags/list",
            "/v2/a%0d%0ab/tags/list",
            "/v2/git;x=y/tags/list",
            "/v2/git%ff/tags/list")) {
      assertCode(path, FailureCode.NAME_INVALID);
    }
    for (String reference : List.of("-x", "a*b", "a b", "", "a".repeat(129), "ä")) {
      assertThatThrownBy(() -> Reference.parse(reference))
          .asInstanceOf(throwable(Failure.class))
          .extracting(Failure::code)
          .isEqualTo(FailureCode.REFERENCE_INVALID);
    }
    for (String foreign :
        List.of(
            "sha512:" + "0".repeat(128), "sha384:" + "a".repeat(96), "blake3:" + "f".repeat(64))) {
      assertThat(Reference.parse(foreign)).isEqualTo(new Reference.Foreign(foreign));
    }
    String hex = DIGEST.hex();
    for (String digest :
        List.of(
            "sha256:",
            "sha256:xyz",
            "sha256:" + hex.toUpperCase(java.util.Locale.ROOT),
            "md5:" + hex,
            ":",
            "sha256:" + hex + "0",
            "sha512:" + hex,
            "sha384:" + hex,
            "blake3:" + "F".repeat(64))) {
      assertCode("/v2/git/manifests/" + digest, FailureCode.DIGEST_INVALID);
      assertCode("/v2/git/blobs/" + digest, FailureCode.DIGEST_INVALID);
      assertCode("/v2/git/referrers/" + digest, FailureCode.DIGEST_INVALID);
    }
    assertCode("/v2/git/blobs/latest", FailureCode.DIGEST_INVALID);
    assertCode("/v2/git/manifests/.INVALID_MANIFEST_NAME", FailureCode.MANIFEST_UNKNOWN);
  }

  @Test
  void boundsTheName() {
    String name = "a/".repeat(127) + "b";
    assertThat(new RepositoryName(name).value()).hasSize(RepositoryName.MAX_LENGTH);
    assertThatThrownBy(() -> new RepositoryName(name + "c"))
        .asInstanceOf(throwable(Failure.class))
        .extracting(Failure::code)
        .isEqualTo(FailureCode.NAME_INVALID);
  }

  @Test
  void neverFailsInAnotherWay() {
    Property.holds(
        1000,
        samples -> {
          try {
            assertThat(Endpoint.parse("/v2/" + samples.text())).isNotNull();
          } catch (Failure e) {
            assertThat(e.getMessage()).matches("[ -~]{1,7000}");
          }
        });
  }

  private static void assertCode(String path, FailureCode code) {
    assertThatThrownBy(() -> Endpoint.parse(path))
        .as(path)
        .asInstanceOf(throwable(Failure.class))
        .extracting(Failure::code)
        .isEqualTo(code);
  }
}
