package nixery.server.log;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Names a request, so that what a client saw can be found in the log: whatever is logged on the
 * thread of a request has its id.
 *
 * @param value letters, digits, dots, hyphens and underscores
 */
public record RequestId(String value) {

  private static final Pattern VALID = Pattern.compile("[A-Za-z0-9._-]{1,64}");
  private static final ScopedValue<RequestId> CURRENT = ScopedValue.newInstance();

  /** Checks the value. */
  public RequestId {
    if (!VALID.matcher(value).matches()) {
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
        given
            .filter(value -> VALID.matcher(value).matches())
            .orElseGet(() -> UUID.randomUUID().toString()));
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
