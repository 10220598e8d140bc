package nixery.storage.gcs;

import com.google.api.gax.retrying.BasicResultRetryAlgorithm;
import com.google.api.gax.retrying.ResultRetryAlgorithm;
import com.google.api.gax.retrying.RetrySettings;
import com.google.auth.Credentials;
import com.google.auth.http.HttpTransportFactory;
import com.google.auth.oauth2.ServiceAccountCredentials;
import com.google.cloud.http.HttpTransportOptions;
import com.google.cloud.storage.BlobId;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.StorageOptions;
import com.google.cloud.storage.StorageRetryStrategy;
import java.io.InterruptedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/**
 * Google's client for one folder of one bucket, in two tempers. Thread-safe.
 *
 * @param endpoint scheme, host and port
 * @param bucket the name of the bucket
 * @param prefix what the names of all objects begin with: empty, or ending in a slash
 * @param retrying tries again whatever may succeed then, for a bounded time; everything it is used
 *     for can be repeated
 * @param once never tries again
 * @param patience the bound on that time
 */
record BucketClient(
    URI endpoint, String bucket, String prefix, Storage retrying, Storage once, Duration patience) {

  private static final int CONNECT_MILLIS = 5_000;
  private static final int READ_MILLIS = 30_000;

  static BucketClient open(
      URI endpoint,
      String bucket,
      String prefix,
      Credentials credentials,
      Optional<String> project,
      HttpTransportFactory transports) {
    Storage once =
        StorageOptions.http()
            .setHost(endpoint.toString())
            .setCredentials(credentials)
            // Objects are found without it, but the client asks around for seconds if it has none.
            .setProjectId(project.or(() -> projectOf(credentials)).orElse("unknown"))
            .setTransportOptions(
                HttpTransportOptions.newBuilder()
                    .setHttpTransportFactory(transports)
                    .setConnectTimeout(CONNECT_MILLIS)
                    .setReadTimeout(READ_MILLIS)
                    .build())
            .setStorageRetryStrategy(new Never())
            .build()
            .getService();
    return new BucketClient(endpoint, bucket, prefix, once, once, Duration.ZERO);
  }

  private static Optional<String> projectOf(Credentials credentials) {
    return credentials instanceof ServiceAccountCredentials account
        ? Optional.ofNullable(account.getProjectId())
        : Optional.empty();
  }

  /** Returns the same client with another bound on how long it tries. */
  BucketClient withPatience(Duration patience) {
    Storage other =
        once.getOptions().toBuilder()
            .setStorageRetryStrategy(StorageRetryStrategy.getUniformStorageRetryStrategy())
            .setRetrySettings(
                RetrySettings.newBuilder()
                    .setInitialRetryDelayDuration(patience.dividedBy(150))
                    .setRetryDelayMultiplier(2)
                    .setMaxRetryDelayDuration(patience.dividedBy(6))
                    .setTotalTimeoutDuration(patience)
                    .build())
            .build()
            .getService();
    return new BucketClient(endpoint, bucket, prefix, other, once, patience);
  }

  /**
   * Waits before something is tried again that the client itself does not try again.
   *
   * @param attempt the number of the attempt that failed, from 1
   * @throws InterruptedIOException if the thread is interrupted
   */
  void pause(int attempt) throws InterruptedIOException {
    try {
      Thread.sleep(patience.dividedBy(100).multipliedBy(1L << attempt));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  /** Returns the object of a key, or of a name that is no key. */
  BlobId id(String name) {
    return BlobId.of(bucket, prefix + name);
  }

  /** Leaves every decision to the caller. */
  private static final class Never implements StorageRetryStrategy {

    private static final long serialVersionUID = 1;

    @Override
    public ResultRetryAlgorithm<?> getIdempotentHandler() {
      return new NeverAgain();
    }

    @Override
    public ResultRetryAlgorithm<?> getNonidempotentHandler() {
      return new NeverAgain();
    }
  }

  private static final class NeverAgain extends BasicResultRetryAlgorithm<Object> {
    @Override
    public boolean shouldRetry(Throwable failure, Object answer) {
      return false;
    }
  }
}
