package nixery.storage.gcs.fake;

import java.io.IOException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nixery.storage.gcs.fake.FakeBucket.FakeObject;

/** Downloads, which are the same in both interfaces. */
final class Media {

  private static final Pattern RANGE = Pattern.compile("bytes=(\\d*)-(\\d*)");

  private Media() {}

  static void send(Call call, FakeObject object) throws IOException {
    call.set(
        "Content-Type",
        object.json().has("contentType") ? object.text("contentType") : "application/octet-stream");
    call.set("ETag", "\"" + object.text("etag") + "\"");
    call.set("Accept-Ranges", "bytes");
    call.set("X-Goog-Generation", Long.toString(object.generation()));
    call.set("X-Goog-Metageneration", "1");
    call.set("X-Goog-Stored-Content-Length", Long.toString(object.length()));
    call.set("X-Goog-Hash", "crc32c=" + object.text("crc32c"));
    Optional<Matcher> range = call.header("Range").map(RANGE::matcher).filter(Matcher::matches);
    if (range.isEmpty()) {
      call.answer(object.file(), 0, object.length(), 200);
      return;
    }
    String first = range.get().group(1);
    String last = range.get().group(2);
    long from =
        first.isEmpty()
            ? Math.max(0, object.length() - Long.parseLong(last))
            : Long.parseLong(first);
    long to =
        first.isEmpty() || last.isEmpty()
            ? object.length()
            : Math.min(object.length(), Long.parseLong(last) + 1);
    if (from >= object.length() || to <= from) {
      call.set("Content-Range", "bytes */" + object.length());
      throw new Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable");
    }
    call.set("Content-Range", "bytes %d-%d/%d".formatted(from, to - 1, object.length()));
    call.answer(object.file(), from, to, 206);
  }
}
