package nixery.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * How many packages of a channel refer to each package, by name without version ({@link
 * StorePath#pname}). Immutable.
 */
public final class Popularity {

  /** Nixpkgs has some 100,000 packages. */
  private static final int MOST_ENTRIES = 1_000_000;

  private static final long MOST_BYTES = 64L << 20;

  private static final Popularity NONE = new Popularity(new TreeMap<>());

  private final SortedMap<String, Integer> counts;

  private Popularity(SortedMap<String, Integer> counts) {
    this.counts = Collections.unmodifiableSortedMap(counts);
  }

  /** Returns the popularity of nothing known. */
  public static Popularity none() {
    return NONE;
  }

  /**
   * Reads popularity data: one JSON object, package names to counts.
   *
   * @param json the text in UTF-8; left open
   * @return the data
   * @throws IOException if reading fails, if it is not such an object, or if it is larger than 64
   *     MiB or a million entries
   */
  public static Popularity read(InputStream json) throws IOException {
    byte[] text = json.readNBytes((int) MOST_BYTES + 1);
    if (text.length > MOST_BYTES) {
      throw new IOException("popularity data are larger than " + MOST_BYTES + " bytes");
    }
    try (JsonParser parser =
        new JsonFactory().createParser(ObjectReadContext.empty(), text, 0, text.length)) {
      return new Popularity(counts(parser));
    } catch (JacksonException e) {
      throw new IOException("popularity data are not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static SortedMap<String, Integer> counts(JsonParser parser) throws IOException {
    SortedMap<String, Integer> counts = new TreeMap<>();
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw new IOException("popularity data are not a JSON object");
    }
    for (String name = parser.nextName(); name != null; name = parser.nextName()) {
      int count = parser.nextIntValue(-1);
      if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || count < 0) {
        throw new IOException("the popularity of " + name + " is not a count");
      }
      if (counts.put(name, count) != null) {
        throw new IOException("the popularity of " + name + " is there twice");
      }
      if (counts.size() > MOST_ENTRIES) {
        throw new IOException("popularity data have more than " + MOST_ENTRIES + " entries");
      }
    }
    if (parser.currentToken() != JsonToken.END_OBJECT || parser.nextToken() != null) {
      throw new IOException("popularity data are more than one JSON object");
    }
    return counts;
  }

  /**
   * Returns how popular a package is.
   *
   * @param pname its name without version
   * @return at least 1, since an image contains it
   */
  public int of(String pname) {
    return Math.max(1, counts.getOrDefault(pname, 1));
  }

  /** Returns a digest of the data, for keys of what was made with them. */
  public Digest digest() {
    MessageDigest sha256 = Digest.sha256();
    counts.forEach((pname, count) ->
        sha256.update((pname + '\0' + count + '\0').getBytes(StandardCharsets.UTF_8)));
    return Digest.of(sha256);
  }
}
