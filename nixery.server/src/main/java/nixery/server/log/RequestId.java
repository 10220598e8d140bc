package nixery.server.log;

import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Names a request, so that what a client saw can be found in the log: whatever is logged on the
 * thread of a request has its id.
 *
 * @param value letters, digits, dots, hyphens and underscores
 */
public record RequestId(String value) {

  private static final int MAX_LENGTH = 64;

  /** Tells the ids of this process from those of others; what follows counts. */
  private static final String PREFIX = UUID.randomUUID().toString().substring(0, 18) + "-";

  private static final AtomicLong LAST = new AtomicLong();
  private static final ScopedValue<RequestId> CURRENT = ScopedValue.newInstance();

  /** Checks the value. */
  public RequestId {
    if (!isValid(value)) {
      throw new IllegalArgumentException("not a request id");
    }
  }

  /**
   * Takes the id that the client, or a proxy, has given its request, or makes one.
   *
   * @param given what the client says; ignored if it is not at most 64 letters, digits, dots,
   *     hyphens and underscores
   * @return the id
   */
  public static RequestId of(Optional<String> given) {
    return new RequestId(
        given.filter(RequestId::isValid).orElseGet(() -> PREFIX + LAST.incrementAndGet()));
  }

  private static boolean isValid(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean fits =
          (c >= 'a' && c <= 'z')
              || (c >= '0' && c <= '9')
              || (c >= 'A' && c <= 'Z')
              || c == '.'
              || c == '_'
              || c == '-';
      if (!fits) {
        return false;
      }
    }
    return !text.isEmpty() && text.length() <= MAX_LENGTH;
  }

  /** Returns the id of the request that the calling thread answers, if it does. */
  public static Optional<RequestId> current() {
    return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
  }

  /**
   * Does what belongs to the request.
   *
   * @param work runs on this thread
   */
  public void during(Runnable work) {
    ScopedValue.where(CURRENT, this).run(work);
  }
}
