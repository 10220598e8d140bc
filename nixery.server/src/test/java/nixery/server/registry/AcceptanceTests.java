package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class AcceptanceTests {

  private static final String DOCKER = FakeImages.DOCKER;
  private static final String OCI = FakeImages.OCI;
  private static final String LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

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
    assertThat(Acceptance.parse(headers).choose(List.of(DOCKER, OCI))).isEqualTo(chosen);
  }
}
