package nixery.storage.gcs.fake;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.Signature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** Service accounts, their keys and access tokens: the token server and IAM. */
final class Accounts {

  /** Google's client says so wherever its token server is. */
  private static final String AUDIENCE = "https://oauth2.googleapis.com/token";

  private static final List<KeyPair> KEYS = new ArrayList<>();

  private final Map<String, KeyPair> accounts = new ConcurrentHashMap<>();
  private final Map<String, String> tokens = new ConcurrentHashMap<>();

  /**
   * Makes a service account and writes its key as Google's console would.
   *
   * @param file to be made
   * @param endpoint whose token server is named in it
   * @return the account's address
   */
  String create(Path file, String endpoint) {
    try {
      KeyPair keys = keys(accounts.size());
      String email = "nixery-" + accounts.size() + "@test-project.iam.gserviceaccount.com";
      accounts.put(email, keys);
      JsonObject json = new JsonObject();
      json.addProperty("type", "service_account");
      json.addProperty("project_id", "test-project");
      json.addProperty("private_key_id", "0123456789abcdef");
      json.addProperty(
          "private_key",
          "-----BEGIN PRIVATE KEY-----\n"
              + Base64.getMimeEncoder(64, new byte[] {'\n'})
                  .encodeToString(keys.getPrivate().getEncoded())
              + "\n-----END PRIVATE KEY-----\n");
      json.addProperty("client_email", email);
      json.addProperty("client_id", "1");
      json.addProperty("token_uri", endpoint + "/token");
      Files.writeString(file, json.toString());
      return email;
    } catch (GeneralSecurityException e) {
      throw new LinkageError("every Java runtime has RSA", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Making keys takes long, so the accounts of all servers in a process share some. */
  private static synchronized KeyPair keys(int number) throws GeneralSecurityException {
    while (KEYS.size() <= number) {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      KEYS.add(generator.generateKeyPair());
    }
    return KEYS.get(number);
  }

  /** Forgets an account: its key and tokens are worth nothing any more. */
  void delete(String email) {
    accounts.remove(email);
    tokens.values().removeIf(email::equals);
  }

  Optional<PublicKey> key(String email) {
    return Optional.ofNullable(accounts.get(email)).map(KeyPair::getPublic);
  }

  /** Returns the account that a request is made for. */
  Optional<String> caller(Call call) {
    Optional<String> token =
        call.header("Authorization")
            .filter(header -> header.startsWith("Bearer "))
            .map(header -> header.substring("Bearer ".length()).strip());
    if (token.isEmpty()) {
      return Optional.empty();
    }
    // Google's client also sends assertions themselves, where it has no scopes to ask for.
    Optional<String> account =
        Optional.ofNullable(tokens.get(token.get())).or(() -> issuer(token.get(), "https://"));
    if (account.isEmpty()) {
      throw new Refusal(401, "authError", "Invalid Credentials");
    }
    return account;
  }

  private String newToken(String email) {
    String token = "ya29.fake-" + UUID.randomUUID();
    tokens.put(token, email);
    return token;
  }

  /** RFC 7523: a token for an assertion that is signed with the account's key. */
  void token(Call call) throws IOException {
    Map<String, String> form =
        Arrays.stream(new String(call.body().readAllBytes(), UTF_8).split("&", -1))
            .map(part -> part.split("=", 2))
            .collect(Collectors.toMap(pair -> pair[0], pair -> Call.decode(pair[1])));
    JsonObject answer = new JsonObject();
    Optional<String> account = issuer(form.getOrDefault("assertion", ""), AUDIENCE);
    if (account.isEmpty()) {
      answer.addProperty("error", "invalid_grant");
      answer.addProperty("error_description", "Invalid JWT Signature.");
      call.answer(400, answer);
      return;
    }
    answer.addProperty("access_token", newToken(account.get()));
    answer.addProperty("expires_in", 3599);
    answer.addProperty("token_type", "Bearer");
    call.answer(200, answer);
  }

  private Optional<String> issuer(String assertion, String audience) {
    try {
      String[] parts = assertion.split("\\.", 4);
      JsonObject claims =
          JsonParser.parseString(new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8))
              .getAsJsonObject();
      String email = claims.get("iss").getAsString();
      Signature signature = Signature.getInstance("SHA256withRSA");
      signature.initVerify(key(email).orElseThrow());
      signature.update((parts[0] + "." + parts[1]).getBytes(UTF_8));
      boolean good =
          signature.verify(Base64.getUrlDecoder().decode(parts[2]))
              && claims.get("aud").getAsString().startsWith(audience)
              && claims.get("exp").getAsLong() > Instant.now().getEpochSecond();
      return good ? Optional.of(email) : Optional.empty();
    } catch (GeneralSecurityException | RuntimeException e) {
      return Optional.empty();
    }
  }

  /** The IAM Service Account Credentials interface: signBlob and generateAccessToken. */
  void iam(Call call) throws IOException {
    String path = Call.decode(call.rawPath());
    String email = path.substring(path.lastIndexOf('/') + 1, path.lastIndexOf(':'));
    KeyPair keys =
        Optional.ofNullable(accounts.get(email))
            .orElseThrow(() -> Refusal.notFound("Unknown service account"));
    JsonObject request = call.json();
    JsonObject answer = new JsonObject();
    if (path.endsWith(":signBlob")) {
      answer.addProperty("keyId", "remote");
      answer.addProperty("signedBlob", sign(keys, request.get("payload").getAsString()));
    } else {
      answer.addProperty("accessToken", newToken(email));
      answer.addProperty("expireTime", Instant.now().plusSeconds(3600).toString());
    }
    call.answer(200, answer);
  }

  private static String sign(KeyPair keys, String payload) {
    try {
      Signature signature = Signature.getInstance("SHA256withRSA");
      signature.initSign(keys.getPrivate());
      signature.update(Base64.getDecoder().decode(payload));
      return Base64.getEncoder().encodeToString(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new LinkageError("every Java runtime has RSA", e);
    }
  }
}
