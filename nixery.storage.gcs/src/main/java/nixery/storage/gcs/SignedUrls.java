package nixery.storage.gcs;

import com.google.auth.ServiceAccountSigner;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.HttpMethod;
import com.google.cloud.storage.Storage.SignUrlOption;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import nixery.api.storage.Key;

/**
 * Addresses that carry a V4 signature and are valid for some minutes. Signed for GET, they are good
 * for HEAD as well, and for any range.
 *
 * <p>An address is given to several clients while at least four fifths of its time are left, since
 * signing costs a millisecond with a key and a call to Google without.
 */
final class SignedUrls implements DownloadUrls {

  private static final int REMEMBERED = 2_000;

  private record Signed(URI location, Instant reusedUntil) {}

  private final BucketClient client;
  private final ServiceAccountSigner signer;
  private final Duration lifetime;
  private final Clock clock;
  private final Recent<Key, Signed> recent = new Recent<>(REMEMBERED);

  SignedUrls(BucketClient client, ServiceAccountSigner signer, Duration lifetime, Clock clock) {
    this.client = client;
    this.signer = signer;
    this.lifetime = lifetime;
    this.clock = clock;
  }

  @Override
  public URI of(Key key) {
    Instant now = clock.instant();
    Optional<Signed> known = recent.get(key).filter(signed -> now.isBefore(signed.reusedUntil()));
    if (known.isPresent()) {
      return known.get().location();
    }
    URI location = sign(key);
    recent.put(key, new Signed(location, now.plus(lifetime.dividedBy(5))));
    return location;
  }

  private URI sign(Key key) {
    return URI.create(
        client
            .once()
            .signUrl(
                BlobInfo.newBuilder(client.id(key.value())).build(),
                lifetime.toSeconds(),
                TimeUnit.SECONDS,
                SignUrlOption.withV4Signature(),
                SignUrlOption.httpMethod(HttpMethod.GET),
                SignUrlOption.withPathStyle(),
                // Without this, the host of Google itself would be signed, and a port lost.
                SignUrlOption.withHostName(client.endpoint().toString()),
                SignUrlOption.signWith(signer))
            .toString());
  }
}
