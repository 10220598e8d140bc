package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import nixery.image.Architecture;
import nixery.property.Property;
import nixery.property.Samples;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import org.junit.jupiter.api.Test;

final class ImageNameTests {

  @Test
  void packagesAreNamed() {
    ImageName name = ImageName.parse("git/htop");
    assertThat(name.architecture()).isEqualTo(Architecture.AMD64);
    assertThat(name.attributes()).containsExactly("git", "htop");
  }

  @Test
  void shellBringsItsPackages() {
    assertThat(ImageName.parse("shell/jq").attributes())
        .containsExactly("bashInteractive", "coreutils", "jq", "moreutils", "nano");
    assertThat(ImageName.parse("shell").shell()).isTrue();
  }

  @Test
  void metaPackagesStandBeforePackagesInAnyOrder() {
    ImageName name = ImageName.parse("arm64/shell/git");
    assertThat(name.architecture()).isEqualTo(Architecture.ARM64);
    assertThat(ImageName.parse("shell/arm64/git")).isEqualTo(name);
    assertThat(name).hasToString("arm64/shell/git");
  }

  @Test
  void anArchitectureMayBeNamedOnce() {
    assertThat(ImageName.parse("amd64/git")).isEqualTo(ImageName.parse("git"));
    assertThat(ImageName.parse("amd64/git")).hasToString("git");
    assertThat(ImageName.parse("arm64/arm64/git")).isEqualTo(ImageName.parse("arm64/git"));
    assertThatThrownBy(() -> ImageName.parse("arm64/shell/amd64/git"))
        .isInstanceOfSatisfying(
            Failure.class,
            failure -> assertThat(failure.code()).isEqualTo(FailureCode.NAME_INVALID))
        .hasMessageContaining("more than one architecture");
    assertThat(ImageName.namesArchitecture("shell/arm64/git")).isTrue();
    assertThat(ImageName.namesArchitecture("amd64/git")).isTrue();
    assertThat(ImageName.namesArchitecture("shell/git/arm64")).isFalse();
  }

  @Test
  void behindPackagesTheyArePackages() {
    ImageName name = ImageName.parse("git/shell");
    assertThat(name.shell()).isFalse();
    assertThat(name.attributes()).containsExactly("git", "shell");
  }

  @Test
  void aNameWithoutAPackageIsInvalid() {
    assertThatThrownBy(() -> ImageName.parse("arm64"))
        .isInstanceOfSatisfying(
            Failure.class,
            failure -> assertThat(failure.code()).isEqualTo(FailureCode.NAME_INVALID))
        .hasMessageContaining("arm64/git");
  }

  @Test
  void aNameWithTooManyPackagesIsInvalid() {
    String name = String.join("/", IntStream.range(0, 101).mapToObj(i -> "p" + i).toList());
    assertThatThrownBy(() -> ImageName.parse(name)).isInstanceOf(Failure.class);
  }

  @Test
  void orderAndRepetitionDoNotMatter() {
    Property.holds(
        1000,
        samples ->
            assertCanonical(
                samples.list(1, 8, () -> samples.text(Samples.LETTERS, 1, 3)), samples.random()));
  }

  private static void assertCanonical(List<String> names, Random random) {
    List<String> shuffled = new ArrayList<>(names);
    shuffled.addAll(names.subList(0, names.size() / 2));
    Collections.shuffle(shuffled, random);
    ImageName name = ImageName.parse("shell/" + String.join("/", names));
    assertThat(ImageName.parse("shell/" + String.join("/", shuffled))).isEqualTo(name);
    assertThat(ImageName.parse(name.toString())).isEqualTo(name);
  }
}
