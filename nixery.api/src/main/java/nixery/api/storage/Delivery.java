package nixery.api.storage;

import java.net.URI;
import java.nio.file.Path;

/** How an object gets to a client. */
public sealed interface Delivery {

  /**
   * The client fetches it elsewhere: the server answers status 307 with this address.
   *
   * @param location an absolute URL that answers GET and HEAD, with ranges, for the next minutes
   */
  record Redirect(URI location) implements Delivery {}

  /**
   * The server sends this file.
   *
   * @param file a file that holds nothing but the object
   * @param length its length in bytes
   */
  record LocalFile(Path file, long length) implements Delivery {}

  /**
   * The server sends what {@link Storage#open} gives.
   *
   * @param length the length of the object in bytes
   */
  record Streamed(long length) implements Delivery {}
}
