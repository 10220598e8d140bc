package nixery.popcount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NarInfoTests {

  private static final NarInfo CURL =
      new NarInfo(
          Packages.path("curl-8.1"),
          12345,
          new TreeSet<>(java.util.List.of(Packages.path("curl-8.1"), Packages.path("zlib-1.3"))));

  @Test
  void readsWhatBinaryCachesHave() {
    assertThat(NarInfo.parse(Packages.text(CURL), CURL.path())).isEqualTo(CURL);

    NarInfo alone = new NarInfo(CURL.path(), 0, new TreeSet<>());
    assertThat(NarInfo.parse(Packages.text(alone), CURL.path())).isEqualTo(alone);
    assertThat(NarInfo.parse(Packages.text(CURL) + "Sig: another:AAA=\n", CURL.path()))
        .isEqualTo(CURL);
  }

  @ParameterizedTest
  @CsvSource({
    "NarSize: 12345, NarSize: -1",
    "NarSize: 12345, NarSize: 99999999999999999999",
    "NarSize: 12345, NarSize:",
    "NarSize: 12345, Size: 1",
    "References: , References: ../",
    "References: , 'References: a '",
    "References: , Referees: ",
    "StorePath: , StorePath: /nix/store/",
    "URL: , References: ",
    "URL: , <html>",
    "URL: , ''",
  })
  void refusesOthers(String good, String bad) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NarInfo.parse(Packages.text(CURL).replace(good, bad), CURL.path()));
  }

  @Test
  void refusesThatOfAnotherPath() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NarInfo.parse(Packages.text(CURL), Packages.path("curl-8.2")));
  }

  /** Whatever is cut off, there is the same in it or it is refused. */
  @Test
  void isNeverMisreadWhenCutOff() {
    String text = Packages.text(CURL);
    for (int length = 0; length <= text.length(); length++) {
      String cut = text.substring(0, length);
      try {
        assertThat(NarInfo.parse(cut, CURL.path())).isEqualTo(CURL);
      } catch (IllegalArgumentException e) {
        assertThat(cut).isNotEqualTo(text);
      }
    }
  }
}
