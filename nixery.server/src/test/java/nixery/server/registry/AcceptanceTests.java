package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import nixery.image.MediaTypes;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class AcceptanceTests {

  private static final String DOCKER = FakeImages.DOCKER;
  private static final String OCI = FakeImages.OCI;
  private static final String LIST = MediaTypes.DOCKER_LIST;
  private static final String INDEX = MediaTypes.OCI_INDEX;

  static Stream<Arguments> headers() {
    return Stream.of(
        Arguments.of(List.of(), DOCKER),
        Arguments.of(List.of(""), DOCKER),
        Arguments.of(List.of(DOCKER), DOCKER),
        Arguments.of(List.of(OCI), OCI),
        Arguments.of(List.of(OCI, DOCKER), DOCKER),
        Arguments.of(List.of(OCI + ", " + DOCKER), DOCKER),
        Arguments.of(List.of(OCI.toUpperCase(java.util.Locale.ROOT)), OCI),
        Arguments.of(List.of(DOCKER + ";q=0.5", OCI), OCI),
        Arguments.of(List.of(DOCKER + " ; q=0.5 , " + OCI + ";q=0.6"), OCI),
        Arguments.of(List.of(DOCKER + ";q=0, */*"), OCI),
        Arguments.of(List.of(DOCKER + ";q=0.1, application/*;q=0.2"), OCI),
        Arguments.of(List.of("*/*"), DOCKER),
        Arguments.of(List.of("application/*;q=0.1"), DOCKER),
        Arguments.of(List.of(OCI + ", */*;q=0.1"), OCI),
        Arguments.of(List.of(OCI + ";q=0.9, */*"), DOCKER),
        Arguments.of(List.of("text/html, application/json"), DOCKER),
        Arguments.of(List.of(LIST), DOCKER),
        Arguments.of(List.of(LIST + ", " + OCI + ";charset=utf-8"), OCI),
        Arguments.of(List.of(DOCKER + ";q=2, " + OCI), OCI),
        Arguments.of(List.of(DOCKER + ";q=x", OCI + ";q=0.001"), OCI),
        Arguments.of(List.of(",;,,;q=1,/"), DOCKER),
        Arguments.of(List.of("x/y,".repeat(10_000) + OCI), DOCKER));
  }

  @ParameterizedTest
  @MethodSource("headers")
  void choosesAsRfc9110Says(List<String> headers, String chosen) {
    assertThat(Acceptance.parse(headers).choose(List.of(DOCKER, OCI), DOCKER)).isEqualTo(chosen);
  }

  static Stream<Arguments> headersWherePlatformsAreOffered() {
    String docker = String.join(", ", DOCKER, LIST, INDEX, OCI, "application/json", "*/*");
    return Stream.of(
        // What Docker, containerd, Podman, skopeo, crane and oras send.
        Arguments.of(List.of(docker), LIST),
        Arguments.of(List.of(DOCKER + ", " + LIST + ", " + OCI + ", " + INDEX + ", */*"), LIST),
        Arguments.of(List.of(OCI, DOCKER, INDEX, LIST), LIST),
        Arguments.of(List.of(OCI + "," + INDEX), INDEX),
        Arguments.of(List.of(INDEX + ";q=0.9, " + LIST + ";q=0.8, " + OCI + ";q=0.1"), INDEX),
        Arguments.of(List.of(LIST + ";q=0.5, " + OCI), OCI),
        Arguments.of(List.of(DOCKER), DOCKER),
        Arguments.of(List.of(OCI), OCI),
        Arguments.of(List.of(LIST + ";q=0, " + INDEX + ";q=0.000, */*"), DOCKER),
        Arguments.of(List.of("*/*"), LIST),
        Arguments.of(List.of("text/html, application/json"), DOCKER),
        Arguments.of(List.of("application/vnd.unknown+json"), DOCKER),
        Arguments.of(List.of(), DOCKER));
  }

  @ParameterizedTest
  @MethodSource("headersWherePlatformsAreOffered")
  void prefersIndexesWhereTheyAreAccepted(List<String> headers, String chosen) {
    assertThat(Acceptance.parse(headers).choose(List.of(LIST, INDEX, DOCKER, OCI), DOCKER))
        .isEqualTo(chosen);
  }
}
