package nixery.storage.gcs.fake;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import nixery.storage.gcs.fake.FakeBucket.FakeObject;
import nixery.storage.gcs.fake.FakeBucket.Session;

/**
 * The JSON interface: buckets.get, objects.list, get, insert, patch and delete.
 *
 * @see <a href="https://cloud.google.com/storage/docs/json_api/v1">Reference</a>
 * @see <a href="https://cloud.google.com/storage/docs/performing-resumable-uploads">Resumable
 *     uploads</a>
 */
final class JsonApi {

  private static final Pattern PATH =
      Pattern.compile(
          "(?:/download|/upload|/resumable/upload)?/storage/v1/b/([^/]+)(/o(?:/(.*))?)?");
  private static final Pattern RANGE = Pattern.compile("bytes (?:(\\d+)-(\\d+)|\\*)/(\\d+|\\*)");
  private static final int UNIT = 256 << 10;

  private final FakeGcs gcs;
  private final Path folder;

  JsonApi(FakeGcs gcs, Path folder) {
    this.gcs = gcs;
    this.folder = folder;
  }

  void serve(Call call) throws IOException {
    Matcher path = PATH.matcher(call.rawPath());
    if (!path.matches()) {
      throw Refusal.notFound("Not Found");
    }
    FakeBucket bucket =
        gcs.bucket(Call.decode(path.group(1)))
            .orElseThrow(() -> Refusal.notFound("The specified bucket does not exist."));
    if (path.group(2) == null) {
      gcs.authorize(call, "storage.buckets.get");
      JsonObject json = new JsonObject();
      json.addProperty("kind", "storage#bucket");
      json.addProperty("name", bucket.name());
      call.answer(200, json);
    } else if (call.rawPath().contains("/upload/")) {
      upload(call, bucket);
    } else if (path.group(3) == null) {
      gcs.authorize(call, "storage.objects.list");
      list(call, bucket);
    } else {
      object(call, bucket, Call.decode(path.group(3).replace("+", "%2B")));
    }
  }

  private void object(Call call, FakeBucket bucket, String name) throws IOException {
    Optional<Long> ifMatch = number(call, "ifGenerationMatch");
    switch (call.method()) {
      case "GET" -> {
        gcs.authorize(call, "storage.objects.get");
        FakeObject object = bucket.get(name, number(call, "generation"), ifMatch);
        if (call.query("alt").filter("media"::equals).isPresent()) {
          Media.send(call, object);
        } else {
          call.answer(200, selected(object.json(), call.query("fields")));
        }
      }
      case "DELETE" -> {
        gcs.authorize(call, "storage.objects.delete");
        bucket.delete(name, ifMatch);
        call.answer(204);
      }
      case "PATCH" -> {
        gcs.authorize(call, "storage.objects.update");
        call.answer(200, bucket.patch(name, call.json(), ifMatch).json());
      }
      default -> throw new Refusal(405, "methodNotAllowed", "Method Not Allowed");
    }
  }

  private void list(Call call, FakeBucket bucket) throws IOException {
    String prefix = call.query("prefix").orElse("");
    String after = call.query("pageToken").orElse("");
    int most = call.query("maxResults").map(Integer::parseInt).orElse(gcs.pageSize());
    List<FakeObject> found =
        bucket.objects().entrySet().stream()
            .filter(entry -> entry.getKey().startsWith(prefix))
            .filter(entry -> entry.getKey().compareTo(after) > 0)
            .limit(most + 1L)
            .map(entry -> entry.getValue())
            .toList();
    Optional<String> fields = call.query("fields").map(text -> text.replace("items/", ""));
    JsonArray items = new JsonArray();
    found.stream().limit(most).forEach(object -> items.add(selected(object.json(), fields)));
    JsonObject json = new JsonObject();
    json.addProperty("kind", "storage#objects");
    json.add("items", items);
    if (found.size() > most) {
      json.addProperty("nextPageToken", found.get(most - 1).text("name"));
    }
    call.answer(200, json);
  }

  /** Leaves out what was not asked for. */
  private static JsonObject selected(JsonObject json, Optional<String> fields) {
    if (fields.isEmpty()) {
      return json;
    }
    Set<String> wanted = Arrays.stream(fields.get().split(",", -1)).collect(Collectors.toSet());
    JsonObject selection = json.deepCopy();
    selection.keySet().retainAll(wanted);
    return selection;
  }

  private void upload(Call call, FakeBucket bucket) throws IOException {
    if (call.method().equals("PUT")) {
      resume(call, bucket); // The id of the session is all the permission that it takes.
      return;
    }
    gcs.authorize(call, "storage.objects.create");
    if (call.query("uploadType").filter("multipart"::equals).isPresent()) {
      multipart(call, bucket);
    } else if (call.query("uploadType").filter("resumable"::equals).isPresent()) {
      start(call, bucket);
    } else {
      throw Refusal.invalid("Upload type is not supported.");
    }
  }

  /** A body of two parts: metadata and content (RFC 2387). */
  private void multipart(Call call, FakeBucket bucket) throws IOException {
    String type = call.header("Content-Type").orElse("");
    String boundary = type.replaceFirst(".*boundary=\"?([^\";]+)\"?.*", "$1");
    String body = new String(call.body().readAllBytes(), ISO_8859_1);
    String delimiter = "--" + boundary;
    int first = body.indexOf("\r\n\r\n") + 4;
    int second = body.indexOf("\r\n" + delimiter, first);
    int content = body.indexOf("\r\n\r\n", second + 2) + 4;
    int end = body.lastIndexOf("\r\n" + delimiter + "--");
    byte[] bytes = body.substring(content, end).getBytes(ISO_8859_1);
    if (bytes.length > 0 && call.has(Faults.Kind.CORRUPTED)) {
      bytes[0] ^= 1;
    }
    String metadata = new String(body.substring(first, second).getBytes(ISO_8859_1), UTF_8);
    Path file = Files.write(newFile(), bytes);
    FakeObject made =
        bucket.finish(
            metadata(call, JsonParser.parseString(metadata).getAsJsonObject()),
            file,
            number(call, "ifGenerationMatch"));
    call.answer(200, made.json());
  }

  private void start(Call call, FakeBucket bucket) throws IOException {
    JsonObject metadata = metadata(call, call.json());
    Optional<Long> ifMatch = number(call, "ifGenerationMatch");
    bucket.requireGeneration(metadata.get("name").getAsString(), ifMatch);
    String id = UUID.randomUUID().toString();
    Session session =
        new Session(
            bucket.name(),
            metadata,
            ifMatch,
            call.header("X-Upload-Content-Length").map(Long::valueOf),
            Files.createFile(newFile()));
    bucket.sessions().put(id, session);
    call.set(
        "Location",
        "%s/upload/storage/v1/b/%s/o?uploadType=resumable&upload_id=%s"
            .formatted(gcs.endpoint(), bucket.name(), id));
    call.set("X-GUploader-UploadID", id);
    call.answer(200);
  }

  private void resume(Call call, FakeBucket bucket) throws IOException {
    Session session = bucket.sessions().get(call.query("upload_id").orElse(""));
    Matcher range = RANGE.matcher(call.header("Content-Range").orElse(""));
    if (session == null) {
      throw Refusal.notFound("Upload session not found.");
    }
    if (!range.matches()) {
      throw Refusal.invalid("Failed to parse Content-Range header.");
    }
    synchronized (session) {
      if (session.finished.isEmpty()) {
        if (range.group(1) != null) {
          receive(call, session, Long.parseLong(range.group(1)), !range.group(3).equals("*"));
        }
        if (call.has(Faults.Kind.UNFINISHED)) {
          throw new EOFException("the answer is cut");
        }
        if (!range.group(3).equals("*") && Long.parseLong(range.group(3)) == session.received) {
          finish(bucket, session);
        }
      }
      if (session.finished.isPresent()) {
        call.answer(200, session.finished.get().json());
        return;
      }
      if (session.received > 0) {
        call.set("Range", "bytes=0-" + (session.received - 1));
      }
      call.answer(308);
    }
  }

  private static void receive(Call call, Session session, long from, boolean last)
      throws IOException {
    if (from > session.received) {
      throw new Refusal(
          503, "backendError", "Invalid request. The content-range is ahead of what was uploaded.");
    }
    long length = call.header("Content-Length").map(Long::parseLong).orElse(0L);
    if (!last && length % UNIT != 0) {
      throw Refusal.invalid("The size of a chunk must be a multiple of 262144 bytes.");
    }
    byte[] buffer = new byte[1 << 16];
    long at = from;
    try (RandomAccessFile file = new RandomAccessFile(session.file.toFile(), "rw");
        InputStream in = call.body()) {
      file.seek(from);
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        if (at == from && call.has(Faults.Kind.CORRUPTED)) {
          buffer[0] ^= 1;
        }
        file.write(buffer, 0, n);
        at += n;
      }
    } catch (IOException e) {
      session.received = Math.max(session.received, at / UNIT * UNIT);
      throw e;
    }
    if (at != from + length) {
      session.received = Math.max(session.received, at / UNIT * UNIT);
      throw new EOFException("the request ended early");
    }
    session.received = at;
  }

  private static void finish(FakeBucket bucket, Session session) throws IOException {
    if (session.announced.filter(length -> length != session.received).isPresent()) {
      throw Refusal.invalid("The upload is not as long as X-Upload-Content-Length said.");
    }
    session.finished =
        Optional.of(bucket.finish(session.metadata, session.file, session.ifGenerationMatch));
  }

  private static JsonObject metadata(Call call, JsonObject given) {
    call.query("name").ifPresent(name -> given.addProperty("name", name));
    return given;
  }

  private static Optional<Long> number(Call call, String parameter) {
    return call.query(parameter).map(Long::valueOf);
  }

  private Path newFile() {
    return folder.resolve(UUID.randomUUID().toString());
  }
}
