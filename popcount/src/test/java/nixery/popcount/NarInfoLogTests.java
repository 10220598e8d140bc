package nixery.popcount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NarInfoLogTests {

  private static final URI CACHE = URI.create("https://cache.example.org");
  private static final List<NarInfo> INFOS = Packages.channel(10, 0);

  @TempDir Path folder;

  private static List<NarInfo> read(NarInfoLog log) throws IOException {
    List<NarInfo> infos = new ArrayList<>();
    log.forEach(infos::add);
    return infos;
  }

  private List<NarInfo> readAgain() throws IOException {
    try (NarInfoLog log = NarInfoLog.open(folder, CACHE)) {
      return read(log);
    }
  }

  private void write(List<NarInfo> infos) throws IOException {
    try (NarInfoLog log = NarInfoLog.open(folder, CACHE)) {
      for (NarInfo info : infos) {
        log.add(info);
      }
    }
  }

  private Path file() throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".log")).findFirst().orElseThrow();
    }
  }

  @Test
  void keepsWhatIsAdded() throws IOException {
    write(INFOS.subList(0, 4));
    write(INFOS.subList(4, 10));

    assertThat(readAgain()).isEqualTo(INFOS);
  }

  /** At whatever byte a process was killed: all lines before are there, and it can go on. */
  @Test
  void losesNothingButAnUnfinishedLine() throws IOException {
    write(INFOS.subList(0, 3));
    byte[] whole = Files.readAllBytes(file());
    for (int length = 0; length <= whole.length; length++) {
      String cut = new String(whole, 0, length, StandardCharsets.ISO_8859_1);
      Files.writeString(file(), cut, StandardCharsets.ISO_8859_1);
      int lines = (int) cut.chars().filter(c -> c == '\n').count();

      List<NarInfo> expected = new ArrayList<>(INFOS.subList(0, Math.max(0, lines - 1)));
      assertThat(readAgain()).as("cut after %d bytes", length).isEqualTo(expected);
      write(INFOS.subList(9, 10));
      expected.add(INFOS.get(9));
      assertThat(readAgain()).as("and went on").isEqualTo(expected);
    }
  }

  /** A disk or a crash of the machine may leave anything. */
  @Test
  void leavesOutDamagedLines() throws IOException {
    write(INFOS);
    byte[] whole = Files.readAllBytes(file());
    int title = new String(whole, StandardCharsets.ISO_8859_1).indexOf('\n') + 1;
    for (int i = title; i < whole.length; i += 11) {
      byte[] damaged = whole.clone();
      damaged[i] ^= 1;
      Files.write(file(), damaged);

      assertThat(readAgain())
          .as("damage at %d", i)
          .hasSizeGreaterThanOrEqualTo(8) // two lines if it is the break between them
          .allSatisfy(info -> assertThat(INFOS).contains(info));
    }
    byte[] zeros = new byte[whole.length + 5000];
    System.arraycopy(whole, 0, zeros, 0, whole.length);
    Files.write(file(), zeros);
    assertThat(readAgain()).isEqualTo(INFOS);
  }

  @Test
  void startsAnewWhereTheFormatIsAnother() throws IOException {
    write(INFOS);
    Files.writeString(file(), "popcount narinfos 2 " + CACHE + "\nsomething\n");

    assertThat(readAgain()).isEmpty();
  }

  @Test
  void keepsBinaryCachesApart() throws IOException {
    write(INFOS);
    try (NarInfoLog log = NarInfoLog.open(folder, URI.create("https://other.example.org"))) {
      assertThat(read(log)).isEmpty();
    }
  }

  @Test
  void isOpenOnce() throws IOException {
    try (NarInfoLog log = NarInfoLog.open(folder, CACHE)) {
      assertThat(read(log)).isEmpty();
      assertThatThrownBy(() -> NarInfoLog.open(folder, CACHE))
          .isInstanceOf(PopcountException.class)
          .hasMessageContaining(folder.toString())
          .hasMessageContaining("--cache");
    }
  }

  @Test
  void dropsWhatIsOfNoUse() throws IOException {
    write(INFOS);
    try (NarInfoLog log = NarInfoLog.open(folder, CACHE)) {
      log.retain(path -> path.equals(INFOS.get(3).path()));
      log.add(INFOS.get(5));
    }

    assertThat(readAgain()).containsExactly(INFOS.get(3), INFOS.get(5));
  }
}
