package nixery.storage.gcs.fake;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The verification, against the vectors that Google publishes for those who sign. */
class SignatureV4Tests {

  private static final String FOLDER = "/com/google/cloud/conformance/storage/v1/";

  static Stream<Named<JsonObject>> vectors() throws IOException {
    return StreamSupport.stream(
            json("v4_signatures.json").getAsJsonArray("signingV4Tests").spliterator(), false)
        .map(JsonElement::getAsJsonObject)
        .map(vector -> Named.of(vector.get("description").getAsString(), vector));
  }

  private static JsonObject json(String file) throws IOException {
    try (InputStream in = SignatureV4Tests.class.getResourceAsStream(FOLDER + file)) {
      return JsonParser.parseString(new String(in.readAllBytes(), UTF_8)).getAsJsonObject();
    }
  }

  private static Function<String, Optional<PublicKey>> keys() throws Exception {
    JsonObject account = json("test_service_account.not-a-test.json");
    String pem = account.get("private_key").getAsString();
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    KeyFactory rsa = KeyFactory.getInstance("RSA");
    RSAPrivateCrtKey secret = (RSAPrivateCrtKey) rsa.generatePrivate(new PKCS8EncodedKeySpec(der));
    PublicKey key =
        rsa.generatePublic(new RSAPublicKeySpec(secret.getModulus(), secret.getPublicExponent()));
    String email = account.get("client_email").getAsString();
    return name -> name.equals(email) ? Optional.of(key) : Optional.empty();
  }

  private static SignatureV4 signature(JsonObject vector, String url) {
    URI uri = URI.create(url);
    Map<String, List<String>> headers = new HashMap<>();
    headers.put("host", List.of(uri.getRawAuthority()));
    if (vector.has("headers")) {
      vector
          .getAsJsonObject("headers")
          .entrySet()
          .forEach(header ->
              headers.put(
                  header.getKey().toLowerCase(Locale.ROOT),
                  List.of(header.getValue().getAsString())));
    }
    return new SignatureV4(uri, headers);
  }

  private static Clock at(JsonObject vector, int seconds) {
    Instant signed = Instant.parse(vector.get("timestamp").getAsString());
    return Clock.fixed(signed.plusSeconds(seconds), ZoneOffset.UTC);
  }

  @ParameterizedTest
  @MethodSource("vectors")
  void acceptsTheVectors(JsonObject vector) throws Exception {
    String method = vector.get("method").getAsString();
    SignatureV4 signature = signature(vector, vector.get("expectedUrl").getAsString());

    assertThat(signature.canonicalRequest(method))
        .isEqualTo(vector.get("expectedCanonicalRequest").getAsString());
    assertThat(signature.stringToSign(method))
        .isEqualTo(vector.get("expectedStringToSign").getAsString());
    signature.verify(method, keys(), at(vector, 5));
  }

  @ParameterizedTest
  @MethodSource("vectors")
  void refusesWhatWasChanged(JsonObject vector) throws Exception {
    String method = vector.get("method").getAsString();
    String url = vector.get("expectedUrl").getAsString();
    String host = URI.create(url).getRawAuthority();
    char last = url.charAt(url.length() - 1);
    for (String changed :
        List.of(
            url.replace("?", "x?"),
            url.replace("X-Goog-Expires=", "X-Goog-Expires=1"),
            url.replace(host, host + ":81"),
            url.replace("dummy-project-id", "another-project"),
            url.replace("%2Fauto%2F", "%2Fus%2F"),
            url + "&more=1",
            url.substring(0, url.length() - 1) + (last == '0' ? '1' : '0'))) {
      assertThatThrownBy(() -> signature(vector, changed).verify(method, keys(), at(vector, 5)))
          .as("%s", changed)
          .isInstanceOf(Refusal.class);
    }
  }

  @ParameterizedTest
  @MethodSource("vectors")
  void refusesWhatHasExpired(JsonObject vector) {
    String method = vector.get("method").getAsString();
    SignatureV4 signature = signature(vector, vector.get("expectedUrl").getAsString());
    int lifetime = vector.get("expiration").getAsInt();

    assertThatThrownBy(() -> signature.verify(method, keys(), at(vector, lifetime + 1)))
        .hasMessageContaining("expired");
    assertThatThrownBy(() -> signature.verify(method, keys(), at(vector, -901)))
        .hasMessageContaining("expired");
  }

  @Test
  void acceptsHeadForWhatWasSignedForGetAlone() throws Exception {
    for (Named<JsonObject> named : vectors().toList()) {
      JsonObject vector = named.getPayload();
      String method = vector.get("method").getAsString();
      SignatureV4 signature = signature(vector, vector.get("expectedUrl").getAsString());
      if (method.equals("GET")) {
        signature.verify("HEAD", keys(), at(vector, 5));
      } else {
        assertThatThrownBy(() -> signature.verify("HEAD", keys(), at(vector, 5)))
            .isInstanceOf(Refusal.class);
      }
    }
  }
}
