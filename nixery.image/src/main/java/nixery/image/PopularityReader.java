package nixery.image;

import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import nixery.image.Popularity.Usage;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads popularity data in both forms. They are told apart by the member {@code packages}: only in
 * the versioned form it is an object.
 */
final class PopularityReader {

  /** Nixpkgs has some 100,000 packages. */
  private static final int MOST_ENTRIES = 1_000_000;

  private static final int MOST_BYTES = 64 << 20;

  private static final String PACKAGES = "packages";
  private static final String VERSION = "version";

  private final JsonParser parser;

  /** The members of the outer object that are counts. */
  private final SortedMap<String, Integer> counts = new TreeMap<>();

  /** The members of the outer object that are text. */
  private final SortedMap<String, String> texts = new TreeMap<>();

  /** The first member of the outer object that is neither a count nor the packages. */
  private Optional<String> noCount = Optional.empty();

  private Optional<SortedMap<String, Usage>> packages = Optional.empty();

  private PopularityReader(JsonParser parser) {
    this.parser = parser;
  }

  static Popularity read(InputStream json) throws IOException {
    byte[] text = json.readNBytes(MOST_BYTES + 1);
    if (text.length > MOST_BYTES) {
      throw new IOException("popularity data are larger than " + MOST_BYTES + " bytes");
    }
    try (JsonParser parser =
        new JsonFactory().createParser(ObjectReadContext.empty(), text, 0, text.length)) {
      return new PopularityReader(parser).read();
    } catch (JacksonException e) {
      // What follows describes positions, which are not known.
      String reason = e.getOriginalMessage().replaceFirst(" \\(start marker .*", "");
      throw new IOException("popularity data are not JSON: " + reason, e);
    }
  }

  private Popularity read() throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw new IOException("popularity data are not a JSON object");
    }
    for (String name = parser.nextName(); name != null; name = parser.nextName()) {
      member(name);
    }
    if (parser.currentToken() != JsonToken.END_OBJECT || parser.nextToken() != null) {
      throw new IOException("popularity data are more than one JSON object");
    }
    return packages.isPresent() ? versioned(packages.get()) : plain();
  }

  private void member(String name) throws IOException {
    JsonToken token = parser.nextToken();
    if (token == JsonToken.START_OBJECT && name.equals(PACKAGES)) {
      if (packages.isPresent()) {
        throw twice(name);
      }
      packages = Optional.of(packages());
    } else if (token == JsonToken.VALUE_NUMBER_INT && isCount()) {
      if (counts.put(name, parser.getIntValue()) != null) {
        throw twice(name);
      }
      checkSize(counts);
    } else {
      if (noCount.isEmpty()) {
        noCount = Optional.of(name);
      }
      if (token == JsonToken.VALUE_STRING && (name.equals("channel") || name.equals("revision"))) {
        texts.put(name, parser.getString());
      }
      parser.skipChildren();
    }
  }

  private boolean isCount() {
    return parser.getNumberType() == JsonParser.NumberType.INT && parser.getIntValue() >= 0;
  }

  private SortedMap<String, Usage> packages() throws IOException {
    SortedMap<String, Usage> usages = new TreeMap<>();
    for (String pname = parser.nextName(); pname != null; pname = parser.nextName()) {
      if (usages.put(pname, usage(pname)) != null) {
        throw twice(pname);
      }
      checkSize(usages);
    }
    return usages;
  }

  private Usage usage(String pname) throws IOException {
    long count = -1;
    long narSize = -1;
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw new IOException("the popularity of " + pname + " is not an object");
    }
    for (String name = parser.nextName(); name != null; name = parser.nextName()) {
      switch (name) {
        case "count" -> count = parser.nextLongValue(-1);
        case "narSize" -> narSize = parser.nextLongValue(-1);
        default -> {
          parser.nextToken();
          parser.skipChildren();
        }
      }
    }
    if (count < 0 || count > Integer.MAX_VALUE || narSize < 0) {
      throw new IOException("the popularity of " + pname + " is not a count and a narSize");
    }
    return new Usage((int) count, narSize);
  }

  private Popularity versioned(SortedMap<String, Usage> usages) throws IOException {
    Integer version = counts.get(VERSION);
    if (version == null) {
      throw new IOException("popularity data with packages, but without a version");
    }
    if (version != Popularity.VERSION) {
      throw new IOException(
          "popularity data are of version %d, but only version %d is understood"
              .formatted(version, Popularity.VERSION));
    }
    return Popularity.of(
        Optional.ofNullable(texts.get("channel")),
        Optional.ofNullable(texts.get("revision")),
        usages);
  }

  private Popularity plain() throws IOException {
    if (noCount.isPresent()) {
      throw new IOException("the popularity of " + noCount.get() + " is not a count");
    }
    SortedMap<String, Usage> usages = new TreeMap<>();
    counts.forEach((name, count) ->
        usages.merge(
            StorePath.pname(name),
            new Usage(count, 0),
            (one, other) ->
                new Usage(
                    Math.clamp((long) one.count() + other.count(), 0, Integer.MAX_VALUE), 0)));
    return Popularity.of(Optional.empty(), Optional.empty(), usages);
  }

  private static void checkSize(SortedMap<String, ?> entries) throws IOException {
    if (entries.size() > MOST_ENTRIES) {
      throw new IOException("popularity data have more than " + MOST_ENTRIES + " entries");
    }
  }

  private static IOException twice(String name) {
    return new IOException("the popularity of " + name + " is there twice");
  }
}
