package nixery.popcount;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import nixery.image.StorePath;

/**
 * What a binary cache says about a store path, as far as it matters here. The format is that of
 * Nix's {@code src/libstore/nar-info.cc}: a line {@code Name: value} for each field.
 *
 * @param path the store path
 * @param narSize the size of its NAR serialisation in bytes
 * @param references the store paths that it refers to; it may be among them
 */
record NarInfo(StorePath path, long narSize, SortedSet<StorePath> references) {

  /** The size up to which a narinfo is read, in bytes: that of one with some 10,000 references. */
  static final int MOST_BYTES = 1 << 20;

  NarInfo {
    if (narSize < 0) {
      throw new IllegalArgumentException("a negative NAR size");
    }
    references = Collections.unmodifiableSortedSet(new TreeSet<>(references));
  }

  /**
   * Reads a narinfo.
   *
   * @param text all of it
   * @param expected the store path that was asked for
   * @return what it says
   * @throws IllegalArgumentException if it has another form, is cut off or is about another path
   */
  static NarInfo parse(String text, StorePath expected) {
    if (!text.endsWith("\n")) {
      throw new IllegalArgumentException("it does not end with a line break");
    }
    Map<String, String> fields = new HashMap<>();
    for (String line : text.substring(0, text.length() - 1).split("\n", -1)) {
      int colon = line.indexOf(':');
      if (colon < 1) {
        throw new IllegalArgumentException("a line that is no field");
      }
      String name = line.substring(0, colon);
      if (fields.put(name, line.substring(colon + 1).strip()) != null && !name.equals("Sig")) {
        throw new IllegalArgumentException("the field " + name + " is there twice");
      }
    }
    if (!field(fields, "StorePath").equals(expected.toString())) {
      throw new IllegalArgumentException("it is about another path");
    }
    return new NarInfo(
        expected, size(field(fields, "NarSize")), references(field(fields, "References")));
  }

  private static String field(Map<String, String> fields, String name) {
    String value = fields.get(name);
    if (value == null) {
      throw new IllegalArgumentException("there is no field " + name);
    }
    return value;
  }

  private static long size(String text) {
    // NumberFormatException is an IllegalArgumentException.
    return Long.parseLong(text);
  }

  private static SortedSet<StorePath> references(String text) {
    SortedSet<StorePath> references = new TreeSet<>();
    if (!text.isEmpty()) {
      for (String baseName : text.split(" ", -1)) {
        references.add(new StorePath(baseName));
      }
    }
    return references;
  }
}
