package nixery.storage.gcs.fake;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.net.URLEncoder;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Verifies URLs with a V4 signature.
 *
 * @see <a href="https://cloud.google.com/storage/docs/authentication/signatures">Signatures</a>
 * @see <a href="https://cloud.google.com/storage/docs/authentication/canonical-requests">Canonical
 *     requests</a>
 */
final class SignatureV4 {

  private static final String ALGORITHM = "GOOG4-RSA-SHA256";
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

  private final URI url;
  private final Map<String, List<String>> headers;
  private final Map<String, String> query = new TreeMap<>();

  /**
   * Reads the signature.
   *
   * @param url as the client called it: path and query
   * @param headers of the request, with lower-case names, {@code host} included
   */
  SignatureV4(URI url, Map<String, List<String>> headers) {
    this.url = url;
    this.headers = headers;
    for (String part : url.getRawQuery().split("&", -1)) {
      String[] pair = part.split("=", 2);
      query.put(Call.decode(pair[0]), pair.length == 1 ? "" : Call.decode(pair[1]));
    }
  }

  static boolean isIn(URI url) {
    return url.getRawQuery() != null && url.getRawQuery().contains("X-Goog-Signature=");
  }

  /**
   * Checks everything.
   *
   * @param method of HTTP; what is signed for GET is good for HEAD as well
   * @param keys finds the public key of an account
   * @param clock of the server
   * @throws Refusal if the signature is not good
   */
  void verify(String method, Function<String, Optional<PublicKey>> keys, Clock clock) {
    Instant made = LocalDateTime.parse(required("X-Goog-Date"), DATE).toInstant(ZoneOffset.UTC);
    long seconds = Long.parseLong(required("X-Goog-Expires"));
    Instant now = clock.instant();
    if (seconds < 1 || seconds > 604_800) {
      throw new Refusal(400, "AuthenticationRequired", "Invalid X-Goog-Expires.");
    }
    if (now.isAfter(made.plusSeconds(seconds)) || now.isBefore(made.minusSeconds(900))) {
      throw new Refusal(400, "ExpiredToken", "The provided token has expired.");
    }
    String credential = required("X-Goog-Credential");
    String account = credential.substring(0, Math.max(0, credential.indexOf('/')));
    PublicKey key = keys.apply(account).orElseThrow(SignatureV4::mismatch);
    boolean good =
        required("X-Goog-Algorithm").equals(ALGORITHM)
            && credential.equals(account + "/" + scope())
            && (isSigned(method, key) || (method.equals("HEAD") && isSigned("GET", key)));
    if (!good) {
      throw mismatch();
    }
  }

  private static Refusal mismatch() {
    return new Refusal(
        403, "SignatureDoesNotMatch", "The request signature we calculated does not match.");
  }

  private String required(String name) {
    return Optional.ofNullable(query.get(name)).orElseThrow(SignatureV4::mismatch);
  }

  private String scope() {
    return required("X-Goog-Date").substring(0, 8) + "/auto/storage/goog4_request";
  }

  private boolean isSigned(String method, PublicKey key) {
    try {
      Signature signature = Signature.getInstance("SHA256withRSA");
      signature.initVerify(key);
      signature.update(stringToSign(method).getBytes(UTF_8));
      return signature.verify(HexFormat.of().parseHex(required("X-Goog-Signature")));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      return false;
    }
  }

  String stringToSign(String method) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(canonicalRequest(method).getBytes(UTF_8));
      return String.join(
          "\n", ALGORITHM, required("X-Goog-Date"), scope(), HexFormat.of().formatHex(hash));
    } catch (GeneralSecurityException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  String canonicalRequest(String method) {
    List<String> signed = Arrays.asList(required("X-Goog-SignedHeaders").split(";", -1));
    String canonicalHeaders =
        signed.stream().map(name -> name + ":" + value(name) + "\n").collect(Collectors.joining());
    String payload =
        signed.contains("x-goog-content-sha256")
            ? value("x-goog-content-sha256")
            : "UNSIGNED-PAYLOAD";
    return String.join(
        "\n",
        method,
        url.getRawPath(),
        canonicalQuery(),
        canonicalHeaders,
        String.join(";", signed),
        payload);
  }

  private String canonicalQuery() {
    return query.entrySet().stream()
        .filter(parameter -> !parameter.getKey().equals("X-Goog-Signature"))
        .map(parameter -> encode(parameter.getKey()) + "=" + encode(parameter.getValue()))
        .sorted()
        .collect(Collectors.joining("&"));
  }

  private String value(String header) {
    return headers.getOrDefault(header, List.of()).stream()
        .map(value -> value.strip().replaceAll("\\s+", " "))
        .collect(Collectors.joining(","));
  }

  /** RFC 3986. */
  private static String encode(String text) {
    return URLEncoder.encode(text, UTF_8)
        .replace("+", "%20")
        .replace("*", "%2A")
        .replace("%7E", "~");
  }
}
