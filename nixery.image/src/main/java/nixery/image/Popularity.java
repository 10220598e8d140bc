package nixery.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.core.io.JsonStringEncoder;

/**
 * How many packages of a channel refer to each package, by name without version ({@link
 * StorePath#pname}). Immutable.
 *
 * <p>It is written as a JSON object with the members {@code version}, {@code channel}, {@code
 * revision} and {@code packages}, which is described in docs/popularity.md.
 */
public final class Popularity {

  /** The version of the format that {@link #write} writes. */
  static final int VERSION = 1;

  private static final Popularity NONE =
      new Popularity(Optional.empty(), Optional.empty(), new TreeMap<>());

  /**
   * What is known about the store paths of one name.
   *
   * @param count how many packages refer to one of them, by name without version, itself left out
   * @param narSize the sum of the sizes of their NAR serialisations, in bytes; 0 if that is not
   *     known
   */
  public record Usage(int count, long narSize) {

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if one is negative
     */
    public Usage {
      if (count < 0 || narSize < 0) {
        throw new IllegalArgumentException("a count of " + count + " and a size of " + narSize);
      }
    }
  }

  private final Optional<String> channel;
  private final Optional<String> revision;
  private final SortedMap<String, Usage> packages;
  private final Digest digest;

  private Popularity(
      Optional<String> channel, Optional<String> revision, SortedMap<String, Usage> packages) {
    this.channel = channel;
    this.revision = revision;
    this.packages = Collections.unmodifiableSortedMap(packages);
    this.digest = digest(packages);
  }

  private static Digest digest(SortedMap<String, Usage> packages) {
    MessageDigest sha256 = Digest.sha256();
    packages.forEach((pname, usage) ->
        sha256.update((pname + '\0' + usage.count + '\0').getBytes(StandardCharsets.UTF_8)));
    return Digest.of(sha256);
  }

  /** Returns the popularity of nothing known. */
  public static Popularity none() {
    return NONE;
  }

  /**
   * Makes data of what was counted.
   *
   * @param channel the channel that was counted, if it was one
   * @param revision the commit that the channel pointed to
   * @param packages by name without version
   * @return the data
   */
  public static Popularity of(
      Optional<String> channel, Optional<String> revision, SortedMap<String, Usage> packages) {
    return new Popularity(channel, revision, new TreeMap<>(packages));
  }

  /**
   * Reads popularity data in one of two forms: that of {@link #write}, and the older one, a JSON
   * object of names to counts. Names in the older form may have versions, which are taken off; the
   * counts of names that are the same then are added up, since those who refer to one version
   * rarely refer to another.
   *
   * @param json the text in UTF-8; left open
   * @return the data
   * @throws IOException if reading fails, if it has neither form, or if it is larger than 64 MiB or
   *     a million entries
   */
  public static Popularity read(InputStream json) throws IOException {
    return PopularityReader.read(json);
  }

  /**
   * Writes the data. Equal data give equal bytes.
   *
   * @param out gets a JSON object in UTF-8, with a line for each package; left open
   * @throws IOException if writing fails
   */
  public void write(OutputStream out) throws IOException {
    Writer json = new OutputStreamWriter(out, StandardCharsets.UTF_8);
    json.write("{\"version\":" + VERSION);
    if (channel.isPresent()) {
      json.write(",\"channel\":" + quoted(channel.get()));
    }
    if (revision.isPresent()) {
      json.write(",\"revision\":" + quoted(revision.get()));
    }
    json.write(",\"packages\":{");
    String separator = "\n";
    for (Map.Entry<String, Usage> entry : packages.entrySet()) {
      Usage usage = entry.getValue();
      json.write(separator + quoted(entry.getKey()));
      json.write(":{\"count\":" + usage.count + ",\"narSize\":" + usage.narSize + "}");
      separator = ",\n";
    }
    json.write("\n}}\n");
    json.flush();
  }

  private static String quoted(String text) {
    return '"' + new String(JsonStringEncoder.getInstance().quoteAsCharArray(text)) + '"';
  }

  /** Returns the channel that was counted, if the data say so. */
  public Optional<String> channel() {
    return channel;
  }

  /** Returns the commit that was counted, if the data say so. */
  public Optional<String> revision() {
    return revision;
  }

  /** Returns what is known, by name without version. */
  public SortedMap<String, Usage> packages() {
    return packages;
  }

  /**
   * Returns how popular a package is.
   *
   * @param pname its name without version
   * @return at least 1, since an image contains it
   */
  public int of(String pname) {
    Usage usage = packages.get(pname);
    return usage == null ? 1 : Math.max(1, usage.count);
  }

  /** Returns a digest of the names and counts, for keys of what was made with them. */
  public Digest digest() {
    return digest;
  }
}
