package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StorePathTests {

  private static final String HASH = "3n58xw4373jp0ljirf06d8077j15pc4j";

  @Test
  void readsAbsoluteAndBaseNames() {
    StorePath path = StorePath.parse("/nix/store/" + HASH + "-glibc-2.37-8");

    assertThat(path).isEqualTo(StorePath.parse(HASH + "-glibc-2.37-8"));
    assertThat(path.hash()).isEqualTo(HASH);
    assertThat(path.name()).isEqualTo("glibc-2.37-8");
    assertThat(path).hasToString("/nix/store/" + HASH + "-glibc-2.37-8");
  }

  /** The expected names are what {@code builtins.parseDrvName} answers. */
  @ParameterizedTest
  @CsvSource({
    "glibc-2.37-8, glibc",
    "git-lfs-3.4.0, git-lfs",
    "curl-8.1.2-bin, curl",
    "bash-interactive-5.2-p15, bash-interactive",
    "source, source",
    "foo-, foo-",
    "foo--1, foo",
    "0.0-1, 0.0",
    "gtk+3-3.24, gtk+3",
    "x_y-_1, x_y"
  })
  void splitsNameAndVersionAsNixDoes(String name, String pname) {
    assertThat(StorePath.parse(HASH + "-" + name).pname()).isEqualTo(pname);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/nix/store/",
        HASH,
        HASH + "-",
        HASH + "-.",
        HASH + "-..",
        HASH + "-..-a",
        HASH + "-a/b",
        HASH + "-a\n",
        HASH + "-ä",
        "/nix/store/" + HASH + "-a/bin",
        "/gnu/store/" + HASH + "-a",
        "//nix/store/" + HASH + "-a",
        "en58xw4373jp0ljirf06d8077j15pc4j-e-is-no-digit",
        "3N58xw4373jp0ljirf06d8077j15pc4j-upper-case"
      })
  void refusesEverythingElse(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StorePath.parse(text))
        .withMessageContaining("not a store path");
  }

  @Test
  void limitsTheLengthOfNames() {
    assertThat(StorePath.parse(HASH + "-" + "a".repeat(211)).name()).hasSize(211);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StorePath.parse(HASH + "-" + "a".repeat(212)));
  }
}
