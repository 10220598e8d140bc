package nixery.source.channel;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import java.util.Properties;

/**
 * What a channel points to.
 *
 * @param revision the commit
 * @param tarball where it can be downloaded
 * @param immutable whether that address is promised to hold the same forever
 * @param asked when the channel pointed there
 */
record Pointer(String revision, URI tarball, boolean immutable, Instant asked) {

  /**
   * Writes it into a new file.
   *
   * @param file the file
   * @throws IOException if that fails
   */
  void write(Path file) throws IOException {
    Properties properties = new Properties();
    properties.setProperty("revision", revision);
    properties.setProperty("tarball", tarball.toString());
    properties.setProperty("immutable", String.valueOf(immutable));
    properties.setProperty("asked", asked.toString());
    try (OutputStream out = Files.newOutputStream(file)) {
      properties.store(out, null);
    }
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param file the file
   * @return the pointer; empty if the file has something else in it
   * @throws IOException if it cannot be read
   */
  static Optional<Pointer> read(Path file) throws IOException {
    Properties properties = new Properties();
    try (InputStream in = Files.newInputStream(file)) {
      properties.load(in);
      String revision = properties.getProperty("revision", "");
      URI tarball = URI.create(properties.getProperty("tarball", ""));
      Instant asked = Instant.parse(properties.getProperty("asked", ""));
      boolean immutable = properties.getProperty("immutable", "").equals("true");
      return Reference.COMMIT.matcher(revision).matches() && Http.isHttp(tarball)
          ? Optional.of(new Pointer(revision, tarball, immutable, asked))
          : Optional.empty();
    } catch (IllegalArgumentException | DateTimeException e) {
      return Optional.empty();
    }
  }
}
