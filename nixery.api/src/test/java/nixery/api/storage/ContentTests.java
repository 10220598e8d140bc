package nixery.api.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContentTests {

  /** The digest of "abc" in FIPS 180-4, which every implementation is checked against. */
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @TempDir Path folder;

  @Test
  void knowsLengthAndDigestOfBytes() {
    Content content = Content.of("abc".getBytes(UTF_8), "text/plain");

    assertThat(content.length()).isEqualTo(3);
    assertThat(content.sha256()).isEqualTo(ABC);
    assertThat(content.mediaType()).isEqualTo("text/plain");
    assertThat(content.file()).isEmpty();
  }

  @Test
  void canBeReadAgain() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "abc");
    for (Content content :
        List.of(
            Content.of("abc".getBytes(UTF_8), "text/plain"),
            Content.ofFile(file, 3, ABC, "text/plain"))) {
      for (int i = 0; i < 3; i++) {
        try (InputStream in = content.open()) {
          assertThat(in).hasContent("abc");
        }
      }
    }
  }

  @Test
  void doesNotChangeWithTheBytesItWasMadeFrom() throws IOException {
    byte[] bytes = "abc".getBytes(UTF_8);
    Content content = Content.of(bytes, "text/plain");
    bytes[0] = 'x';

    try (InputStream in = content.open()) {
      assertThat(in).hasContent("abc");
    }
  }

  @Test
  void refusesWhatCannotBe() {
    Path file = folder.resolve("file");
    for (String digest :
        List.of("", ABC.substring(1), ABC + "0", ABC.replace('a', 'A'), "sha256:")) {
      assertThatThrownBy(() -> Content.ofFile(file, 3, digest, "text/plain"))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> Content.ofFile(file, -1, ABC, "text/plain"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
