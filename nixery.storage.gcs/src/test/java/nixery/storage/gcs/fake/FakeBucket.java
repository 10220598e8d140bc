package nixery.storage.gcs.fake;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;

/** The objects of a bucket, with their contents in files. Thread-safe. */
final class FakeBucket {

  /** Real generations are microseconds, with 16 digits. */
  private static final AtomicLong GENERATIONS = new AtomicLong(1_700_000_000_000_000L);

  /**
   * An object.
   *
   * @param json what the JSON interface says of it
   * @param file its content
   */
  record FakeObject(JsonObject json, Path file, long length, long generation) {
    String text(String field) {
      return json.get(field).getAsString();
    }
  }

  /** An upload that is not finished. What was sent last may be sent again. */
  static final class Session {
    final String bucket;
    final JsonObject metadata;
    final Optional<Long> ifGenerationMatch;
    final Optional<Long> announced;
    final Path file;
    long received;
    Optional<FakeObject> finished = Optional.empty();

    Session(
        String bucket,
        JsonObject metadata,
        Optional<Long> ifGenerationMatch,
        Optional<Long> announced,
        Path file) {
      this.bucket = bucket;
      this.metadata = metadata;
      this.ifGenerationMatch = ifGenerationMatch;
      this.announced = announced;
      this.file = file;
    }
  }

  private final String name;
  private final Map<String, FakeObject> objects = new ConcurrentSkipListMap<>();
  private final Map<String, Session> sessions = new ConcurrentHashMap<>();

  FakeBucket(String name) {
    this.name = name;
  }

  String name() {
    return name;
  }

  Map<String, FakeObject> objects() {
    return objects;
  }

  Map<String, Session> sessions() {
    return sessions;
  }

  FakeObject get(String object, Optional<Long> generation, Optional<Long> ifGenerationMatch) {
    FakeObject found = objects.get(object);
    if (found == null || generation.filter(g -> g != found.generation()).isPresent()) {
      throw Refusal.notFound("No such object: " + name + "/" + object);
    }
    requireGeneration(Optional.of(found), ifGenerationMatch);
    return found;
  }

  synchronized void delete(String object, Optional<Long> ifGenerationMatch) {
    get(object, Optional.empty(), ifGenerationMatch);
    objects.remove(object);
  }

  synchronized FakeObject patch(String object, JsonObject changes, Optional<Long> ifMatch) {
    FakeObject old = get(object, Optional.empty(), ifMatch);
    JsonObject json = old.json().deepCopy();
    changes.entrySet().forEach(change -> json.add(change.getKey(), change.getValue()));
    FakeObject changed = new FakeObject(json, old.file(), old.length(), old.generation());
    objects.put(object, changed);
    return changed;
  }

  void requireGeneration(String object, Optional<Long> ifGenerationMatch) {
    requireGeneration(Optional.ofNullable(objects.get(object)), ifGenerationMatch);
  }

  private static void requireGeneration(
      Optional<FakeObject> found, Optional<Long> ifGenerationMatch) {
    long actual = found.map(FakeObject::generation).orElse(0L);
    if (ifGenerationMatch.filter(expected -> expected != actual).isPresent()) {
      throw new Refusal(
          412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
    }
  }

  /** Makes a file an object, if it has the checksums that it should have. */
  FakeObject finish(JsonObject metadata, Path file, Optional<Long> ifGenerationMatch)
      throws IOException {
    String object = metadata.get("name").getAsString();
    CRC32C crc32c = new CRC32C();
    MessageDigest md5 = md5();
    long length = 0;
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        crc32c.update(buffer, 0, n);
        md5.update(buffer, 0, n);
        length += n;
      }
    }
    byte[] crc = ByteBuffer.allocate(4).putInt((int) crc32c.getValue()).array();
    JsonObject json = metadata.deepCopy();
    settle(json, "crc32c", Base64.getEncoder().encodeToString(crc));
    settle(json, "md5Hash", Base64.getEncoder().encodeToString(md5.digest()));
    synchronized (this) {
      requireGeneration(object, ifGenerationMatch);
      long generation = GENERATIONS.incrementAndGet();
      json.addProperty("kind", "storage#object");
      json.addProperty("bucket", name);
      json.addProperty("size", Long.toString(length));
      json.addProperty("generation", Long.toString(generation));
      json.addProperty("metageneration", "1");
      json.addProperty("etag", "etag-" + generation);
      json.addProperty("timeCreated", Instant.now().toString());
      FakeObject made = new FakeObject(json, file, length, generation);
      objects.put(object, made);
      return made;
    }
  }

  private static void settle(JsonObject json, String checksum, String actual) {
    if (json.has(checksum) && !json.get(checksum).getAsString().equals(actual)) {
      throw Refusal.invalid(
          "Provided %s \"%s\" doesn't match calculated \"%s\"."
              .formatted(checksum, json.get(checksum).getAsString(), actual));
    }
    json.addProperty(checksum, actual);
  }

  private static MessageDigest md5() {
    try {
      return MessageDigest.getInstance("MD5");
    } catch (GeneralSecurityException e) {
      throw new LinkageError("every Java runtime has MD5", e);
    }
  }
}
