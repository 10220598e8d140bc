package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ImageReferenceTests {

  /** The full names are those that Docker's clients show. */
  @ParameterizedTest
  @CsvSource({
    "git, git:latest, docker.io/library/git:latest",
    "git:v1.0, git:v1.0, docker.io/library/git:v1.0",
    "shell/git, shell/git:latest, docker.io/shell/git:latest",
    "a__b/c-d---e.f:V_1, a__b/c-d---e.f:V_1, docker.io/a__b/c-d---e.f:V_1",
    "localhost/git, localhost/git:latest, localhost/git:latest",
    "localhost:5000/git, localhost:5000/git:latest, localhost:5000/git:latest",
    "example.org/a/b/c:d, example.org/a/b/c:d, example.org/a/b/c:d",
    "HOST/git, HOST/git:latest, HOST/git:latest",
  })
  void areReadAsDockerDoes(String text, String reference, String full) {
    ImageReference parsed = ImageReference.parse(text);
    assertThat(parsed).hasToString(reference);
    assertThat(parsed.full()).isEqualTo(full);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":v1",
        "git:",
        "Git",
        "a//b",
        "/a",
        "a/",
        "a b",
        "a:b/c:d",
        "_a",
        "a:-b",
        "a@sha256:b",
        "a\nb",
        "-x/a"
      })
  void othersAreNone(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ImageReference.parse(text))
        .withMessageContaining("is not the name of an image");
  }
}
