package nixery.storage.gcs;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.auth.Credentials;
import com.google.auth.ServiceAccountSigner;
import com.google.cloud.NoCredentials;
import com.google.cloud.storage.BlobId;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Storage.BlobListOption;
import com.google.cloud.storage.StorageException;
import nixery.api.ConfigurationException;

/**
 * Does with a bucket what the storage will do with it. Looking at the bucket itself would need a
 * permission that is otherwise not needed, and would tell nothing about writing.
 */
final class BucketCheck {

  /** No key, since keys begin with a letter or digit, so it is never listed. */
  private static final String NAME = "_start-up-check";

  private final BucketClient client;
  private final Credentials credentials;

  private BucketCheck(BucketClient client, Credentials credentials) {
    this.client = client;
    this.credentials = credentials;
  }

  /**
   * Checks that objects can be listed, written, read and deleted.
   *
   * @throws ConfigurationException in one sentence, if not
   */
  static void run(BucketClient client, Credentials credentials) {
    BucketCheck check = new BucketCheck(client, credentials);
    BlobId id = client.id(NAME);
    byte[] value = "Nixery was here.".getBytes(UTF_8);
    BlobInfo info = BlobInfo.newBuilder(id).setContentType("text/plain").build();
    check.step(
        "list",
        () ->
            client
                .retrying()
                .list(
                    client.bucket(),
                    BlobListOption.prefix(id.getName()),
                    BlobListOption.pageSize(1)));
    check.step("create", () -> client.retrying().create(info, value));
    check.step("get", () -> client.retrying().get(id));
    check.step("delete", () -> client.retrying().delete(id));
  }

  private void step(String permission, Runnable action) {
    try {
      action.run();
    } catch (StorageException e) {
      throw new ConfigurationException(sentence(permission, e), Failures.withoutSecrets(e));
    }
  }

  private String sentence(String permission, StorageException e) {
    String reason = Failures.reason(e);
    if (Failures.isRefusedToken(e)) {
      return "Google did not accept the credentials (%s): make a new key for the service account,"
              .formatted(reason)
          + " and set GOOGLE_APPLICATION_CREDENTIALS to its JSON file.";
    }
    if (Failures.isAboutToken(e)) {
      return "The server that gives access tokens cannot be reached (%s): check the network."
          .formatted(reason);
    }
    if (e.getCode() == 0 && !Failures.isAboutConnection(e)) {
      return "Google's client does not accept the credentials of %s for %s:"
              .formatted(who(), client.endpoint())
          + " check GOOGLE_APPLICATION_CREDENTIALS.";
    }
    return switch (e.getCode()) {
      case 401 ->
          "%s does not accept the credentials of %s: check GOOGLE_APPLICATION_CREDENTIALS."
              .formatted(client.endpoint(), who());
      case 403 ->
          "GCS_BUCKET is '%s', but %s may not use it (storage.objects.%s was refused): grant the"
                  .formatted(client.bucket(), who(), permission)
              + " role Storage Object Admin on the bucket.";
      case 404 ->
          "GCS_BUCKET is '%s', but there is no such bucket at %s: create it, or correct the name."
              .formatted(client.bucket(), client.endpoint());
      case 0 ->
          "Google Cloud Storage at %s cannot be reached (%s): check the network, and"
                  .formatted(client.endpoint(), reason)
              + " NIXERY_GCS_ENDPOINT if it is set.";
      default ->
          "The bucket '%s' at %s cannot be used at present (%s): try again later."
              .formatted(client.bucket(), client.endpoint(), reason);
    };
  }

  private String who() {
    return switch (credentials) {
      case ServiceAccountSigner signer -> signer.getAccount();
      case NoCredentials _ -> "somebody without credentials";
      default -> "the account of the default credentials";
    };
  }
}
