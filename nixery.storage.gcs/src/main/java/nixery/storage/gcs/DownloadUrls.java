package nixery.storage.gcs;

import com.google.auth.Credentials;
import com.google.auth.ServiceAccountSigner;
import com.google.auth.oauth2.ServiceAccountCredentials;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import nixery.api.storage.Key;

/** Makes the addresses from which clients download objects. Thread-safe. */
sealed interface DownloadUrls permits SignedUrls, PublicUrls {

  /**
   * Returns the address of an object, whether it exists or not.
   *
   * @throws RuntimeException of any kind, if the credentials sign remotely and that failed
   */
  URI of(Key key);

  /**
   * Chooses signed URLs if the credentials can sign, and public ones otherwise.
   *
   * @param client the bucket
   * @param credentials of any kind
   * @param lifetime of a signed URL
   */
  static DownloadUrls of(BucketClient client, Credentials credentials, Duration lifetime) {
    if (credentials instanceof ServiceAccountSigner signer && canSign(signer)) {
      return new SignedUrls(client, signer, lifetime, Clock.systemUTC());
    }
    return new PublicUrls(URI.create(client.endpoint() + "/" + client.bucket()), client.prefix());
  }

  private static boolean canSign(ServiceAccountSigner signer) {
    if (signer instanceof ServiceAccountCredentials) {
      return true; // It has the key.
    }
    try {
      signer.sign(new byte[1]);
      return true;
    } catch (RuntimeException e) {
      System.getLogger(DownloadUrls.class.getName())
          .log(
              Level.WARNING,
              "No signed URLs can be made, so clients are sent to public ones, which only work if"
                  + " everybody may read the bucket: grant the service account the role Service"
                  + " Account Token Creator on itself, or set NIXERY_GCS_PUBLIC_URL to an address"
                  + " where everybody can.",
              Failures.withoutSecrets(e));
      return false;
    }
  }
}
