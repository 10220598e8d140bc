package nixery.api.storage;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/**
 * An object that is being read.
 *
 * @param length the length of the whole object in bytes, wherever the stream begins
 * @param stream the bytes from the offset that was asked for; reading it throws {@link IOException}
 *     when the rest cannot be had, and never ends early
 */
public record StoredObject(long length, InputStream stream) implements AutoCloseable {

  /** Checks that nothing is null. */
  public StoredObject {
    Objects.requireNonNull(stream);
  }

  /** Closes the stream. */
  @Override
  public void close() throws IOException {
    stream.close();
  }
}
