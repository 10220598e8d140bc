package nixery.storage.gcs;

import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.auth.Credentials;
import com.google.auth.http.HttpTransportFactory;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import nixery.api.ConfigurationException;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.Settings;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageProvider;

/**
 * Opens a bucket of Google Cloud Storage, or of a server that speaks its JSON and XML interfaces.
 * Opening it writes, reads, lists and deletes a small object, so that what is wrong with the
 * settings, the credentials, the bucket or the network is found out at once.
 */
public final class GcsStorageProvider implements StorageProvider {

  static final Setting<String> BUCKET =
      Setting.text("GCS_BUCKET", "name of the Google Cloud Storage bucket").required();

  static final Setting<Path> CREDENTIALS =
      Setting.path(
          "GOOGLE_APPLICATION_CREDENTIALS",
          "JSON key file of the service account that uses the bucket; without it, Google's default"
              + " credentials are taken, or none if the endpoint starts with http://");

  static final Setting<String> PREFIX =
      Setting.text(
          "NIXERY_GCS_PREFIX",
          "folder in the bucket, for installations that share one; without it, the whole bucket");

  static final Setting<String> PROJECT =
      Setting.text(
          "NIXERY_GCS_PROJECT",
          "Google Cloud project of the bucket, where the credentials do not name it");

  static final Setting<URI> ENDPOINT =
      Setting.url("NIXERY_GCS_ENDPOINT", "address of the storage service")
          .withDefault("https://storage.googleapis.com");

  static final Setting<URI> PUBLIC_URL =
      Setting.url(
          "NIXERY_GCS_PUBLIC_URL",
          "address under which everybody can read the objects, such as a CDN's; clients are sent"
              + " there instead of to signed URLs");

  static final Setting<Duration> SIGNED_URL_SECONDS =
      Setting.seconds("NIXERY_GCS_SIGNED_URL_SECONDS", "how long a signed URL is valid")
          .withDefault("300");

  /** https://cloud.google.com/storage/docs/buckets#naming, less what needs no check here. */
  private static final Pattern BUCKET_NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]");

  private static final Pattern PREFIX_FORM =
      Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*/?");

  /** For how long each step of the check is tried again. */
  private static final Duration CHECK = Duration.ofSeconds(4);

  private final HttpTransportFactory transports;
  private final Duration patience;
  private final Duration opening;

  /** For {@link java.util.ServiceLoader}. */
  public GcsStorageProvider() {
    this(transports(), Duration.ofSeconds(30), Duration.ofSeconds(20));
  }

  /**
   * Creates one for tests.
   *
   * @param transports makes the connections
   * @param patience for how long a call that fails is tried again
   * @param opening how long opening may take
   */
  GcsStorageProvider(HttpTransportFactory transports, Duration patience, Duration opening) {
    this.transports = transports;
    this.patience = patience;
    this.opening = opening;
  }

  static HttpTransportFactory transports() {
    NetHttpTransport shared = new NetHttpTransport();
    return () -> shared;
  }

  @Override
  public int apiVersion() {
    return API_VERSION;
  }

  @Override
  public String name() {
    return "gcs";
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(BUCKET, CREDENTIALS, PREFIX, PROJECT, ENDPOINT, PUBLIC_URL, SIGNED_URL_SECONDS);
  }

  @Override
  public Storage open(PluginContext context) {
    Settings settings = context.settings();
    String bucket = settings.get(BUCKET);
    if (!BUCKET_NAME.matcher(bucket).matches()) {
      throw new ConfigurationException(
          "GCS_BUCKET must be the name of a bucket, without gs:// or a path. '%s' is not."
              .formatted(bucket));
    }
    URI endpoint = origin(settings.get(ENDPOINT));
    String prefix = settings.find(PREFIX).map(GcsStorageProvider::folder).orElse("");
    Duration lifetime = settings.get(SIGNED_URL_SECONDS);
    Optional<URI> publicUrl = settings.find(PUBLIC_URL);
    if (publicUrl
        .filter(url -> url.getRawQuery() != null || url.getRawFragment() != null)
        .isPresent()) {
      throw new ConfigurationException(
          "NIXERY_GCS_PUBLIC_URL must have no query or fragment, since keys are added to it.");
    }
    return inTime(
        () -> {
          Credentials credentials =
              GoogleCredentialsFile.resolve(settings.find(CREDENTIALS), endpoint, transports);
          BucketClient client =
              BucketClient.open(
                  endpoint, bucket, prefix, credentials, settings.find(PROJECT), transports);
          BucketCheck.run(client.withPatience(shorter(patience, CHECK)), credentials);
          DownloadUrls urls =
              publicUrl
                  .<DownloadUrls>map(base -> new PublicUrls(base, prefix))
                  .orElseGet(() -> DownloadUrls.of(client, credentials, lifetime));
          return new GcsStorage(client.withPatience(patience), urls);
        },
        endpoint);
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  private static URI origin(URI endpoint) {
    boolean bare =
        (endpoint.getRawPath().isEmpty() || endpoint.getRawPath().equals("/"))
            && endpoint.getRawQuery() == null
            && endpoint.getRawFragment() == null
            && endpoint.getRawUserInfo() == null;
    if (!bare) {
      throw new ConfigurationException(
          "NIXERY_GCS_ENDPOINT must be scheme, host and port alone, such as"
              + " https://storage.googleapis.com.");
    }
    return URI.create(
        endpoint.getScheme().toLowerCase(Locale.ROOT) + "://" + endpoint.getRawAuthority());
  }

  private static String folder(String prefix) {
    if (prefix.length() > 200 || !PREFIX_FORM.matcher(prefix).matches()) {
      throw new ConfigurationException(
          "NIXERY_GCS_PREFIX must be a relative path such as images/nixery. '%s' is not."
              .formatted(prefix));
    }
    return prefix.endsWith("/") ? prefix : prefix + "/";
  }

  /** Google's libraries try again for minutes here and there; the server must start or not. */
  private Storage inTime(Callable<Storage> action, URI endpoint) {
    FutureTask<Storage> task = new FutureTask<>(action);
    Thread thread = Thread.ofVirtual().name("gcs-opening").start(task);
    try {
      return task.get(opening.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      thread.interrupt();
      throw new ConfigurationException(
          "Google Cloud Storage at %s did not answer within %d seconds: check the network, and"
                  .formatted(endpoint, opening.toSeconds())
              + " NIXERY_GCS_ENDPOINT if it is set.",
          e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ConfigurationException wrong) {
        throw wrong;
      }
      throw new ConfigurationException(
          "Google's client cannot use these credentials at %s: check GOOGLE_APPLICATION_CREDENTIALS."
              .formatted(endpoint),
          Failures.withoutSecrets(e.getCause()));
    } catch (InterruptedException e) {
      thread.interrupt();
      Thread.currentThread().interrupt();
      throw new ConfigurationException("Interrupted while opening Google Cloud Storage.", e);
    }
  }
}
