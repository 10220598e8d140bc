package nixery.server.popularity;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Optional;
import nixery.api.Scratch;

/**
 * Popularity data as they came. As a file: a line for each of the validators, empty if there is
 * none, and the data.
 */
final class PopularityCopy {

  /**
   * What a web server tells some data from others by; see RFC 9110, section 8.8.
   *
   * @param etag the header {@code ETag}, if there was one
   * @param lastModified the header {@code Last-Modified}, if there was one
   */
  record Validators(Optional<String> etag, Optional<String> lastModified) {}

  private final Validators validators;
  private final byte[] data;

  /** Keeps the array, which must not be changed any more. */
  PopularityCopy(Validators validators, byte[] data) {
    this.validators = validators;
    this.data = data;
  }

  Validators validators() {
    return validators;
  }

  byte[] data() {
    return data;
  }

  /** Reads the file that {@link #write} wrote. */
  static PopularityCopy read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int first = endOfLine(bytes, 0);
    int second = endOfLine(bytes, first + 1);
    return new PopularityCopy(
        new Validators(header(bytes, 0, first), header(bytes, first + 1, second)),
        Arrays.copyOfRange(bytes, second + 1, bytes.length));
  }

  private static int endOfLine(byte[] bytes, int start) throws IOException {
    for (int i = start; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        return i;
      }
    }
    throw new IOException("the copy of the popularity data is damaged");
  }

  private static Optional<String> header(byte[] bytes, int start, int end) {
    return Optional.of(new String(bytes, start, end - start, StandardCharsets.UTF_8))
        .filter(text -> !text.isEmpty());
  }

  /** Writes a file that is there in full or not at all. */
  void write(Path file, Scratch scratch) throws IOException {
    Path unfinished = scratch.next();
    try (OutputStream out = Files.newOutputStream(unfinished)) {
      String header = validators.etag.orElse("") + "\n" + validators.lastModified.orElse("") + "\n";
      out.write(header.getBytes(StandardCharsets.UTF_8));
      out.write(data);
    }
    Files.move(
        unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
