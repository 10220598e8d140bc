package nixery.storage.gcs;

import com.google.api.client.http.HttpResponseException;
import com.google.auth.Retryable;
import com.google.cloud.BaseServiceException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import nixery.api.storage.StorageException;

/** Puts failures of Google's client into words, none of which is a secret. */
final class Failures {

  /** Whoever knows the id of an upload can write what is uploaded. */
  private static final Pattern UPLOAD_ID = Pattern.compile("(?i)(upload_?id\\W{1,3})[\\w%./+~-]+");

  private Failures() {}

  /**
   * Says what could not be done.
   *
   * @param doing a phrase that follows "cannot"
   * @param failure what Google's client threw
   * @return for the caller to throw
   */
  static StorageException of(String doing, Throwable failure) {
    return new StorageException(
        "cannot %s in Google Cloud Storage: %s".formatted(doing, reason(failure)),
        withoutSecrets(failure));
  }

  /** Returns the status that the service answered, or 0 if there was no answer. */
  static int status(Throwable failure) {
    return chain(failure)
        .filter(BaseServiceException.class::isInstance)
        .findFirst()
        .map(e -> ((BaseServiceException) e).getCode())
        .orElse(0);
  }

  /** Tells whether the failure is that no access token could be had. */
  static boolean isAboutToken(Throwable failure) {
    return chain(failure).anyMatch(Retryable.class::isInstance);
  }

  /** Tells whether the token server answered that the credentials are not good. */
  static boolean isRefusedToken(Throwable failure) {
    return isAboutToken(failure)
        && chain(failure)
            .anyMatch(
                e -> e instanceof HttpResponseException answer && answer.getStatusCode() < 500);
  }

  /** Tells whether there was something wrong with a connection, rather than before. */
  static boolean isAboutConnection(Throwable failure) {
    return chain(failure).anyMatch(IOException.class::isInstance);
  }

  /** Returns a few words on what went wrong. */
  static String reason(Throwable failure) {
    return chain(failure).flatMap(e -> words(e).stream()).findFirst().orElse("connection failed");
  }

  private static Optional<String> words(Throwable e) {
    return switch (e) {
      case BaseServiceException answer when answer.getCode() >= 400 ->
          Optional.of(
              "status "
                  + answer.getCode()
                  + Optional.ofNullable(answer.getReason()).map(r -> " " + r).orElse(""));
      case HttpResponseException answer -> Optional.of("status " + answer.getStatusCode());
      case UnknownHostException _ -> Optional.of("unknown host");
      case ConnectException _ -> Optional.of("connection refused");
      case NoRouteToHostException _ -> Optional.of("no route to the host");
      case SocketTimeoutException _ -> Optional.of("no answer in time");
      case SSLException _ -> Optional.of("no TLS connection");
      default -> Optional.empty();
    };
  }

  private static Stream<Throwable> chain(Throwable failure) {
    return Stream.iterate(failure, e -> e != null, Throwable::getCause).limit(20);
  }

  /** Returns the failure itself, or a copy if its message or that of a cause is to be kept. */
  static Throwable withoutSecrets(Throwable failure) {
    boolean clean =
        chain(failure).noneMatch(e -> UPLOAD_ID.matcher(String.valueOf(e.getMessage())).find());
    return clean ? failure : copy(failure);
  }

  private static Throwable copy(Throwable failure) {
    String message =
        UPLOAD_ID.matcher(String.valueOf(failure.getMessage())).replaceAll("$1(hidden)");
    Throwable cause = failure.getCause();
    IOException copy =
        new IOException(
            failure.getClass().getName() + ": " + message, cause == null ? null : copy(cause));
    copy.setStackTrace(failure.getStackTrace());
    return copy;
  }
}
