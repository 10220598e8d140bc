package nixery.image;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an image is for and how it is to be run; see "Properties" in the <a
 * href="https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#properties">OCI image
 * configuration</a>.
 *
 * @param architecture what its programs are for
 * @param created when it was made, in whole seconds
 * @param user who runs it, as {@code user}, {@code uid}, {@code user:group} and so on; empty for
 *     root
 * @param ports what it listens on, such as {@code 80/tcp}
 * @param env the environment
 * @param entrypoint the program that is always run, with its first arguments; empty if there is
 *     none
 * @param cmd the default command, or default arguments of the entrypoint; empty if there is none
 * @param workdir where it starts, an absolute path; empty for the root folder
 * @param labels what else is said about it
 */
public record ImageConfig(
    Architecture architecture,
    Instant created,
    Optional<String> user,
    SortedSet<String> ports,
    SortedMap<String, String> env,
    List<String> entrypoint,
    List<String> cmd,
    Optional<String> workdir,
    SortedMap<String, String> labels) {

  /** Copies the collections. */
  public ImageConfig {
    ports = Collections.unmodifiableSortedSet(new TreeSet<>(ports));
    env = Collections.unmodifiableSortedMap(new TreeMap<>(env));
    entrypoint = List.copyOf(entrypoint);
    cmd = List.copyOf(cmd);
    labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
  }

  /**
   * Returns a configuration of which nothing but the command is said.
   *
   * @param architecture what the image's programs are for
   * @param cmd the default command; empty for none
   * @return the configuration
   */
  public static ImageConfig of(Architecture architecture, List<String> cmd) {
    return builder(architecture).cmd(cmd).build();
  }

  /**
   * Begins a configuration with the environment that programs from Nix packages expect: the usual
   * {@code PATH}, and the variables by which OpenSSL, Git and Nix find the TLS roots of {@code
   * cacert}. The image was made one second after the epoch, as the files of the Nix store.
   *
   * @param architecture what the image's programs are for
   * @return what makes the configuration
   */
  public static Builder builder(Architecture architecture) {
    return new Builder(architecture);
  }

  /** Returns the same for another architecture. */
  public ImageConfig forArchitecture(Architecture other) {
    return new ImageConfig(other, created, user, ports, env, entrypoint, cmd, workdir, labels);
  }

  /** Returns the same with another command. */
  public ImageConfig withCmd(List<String> other) {
    return new ImageConfig(
        architecture, created, user, ports, env, entrypoint, other, workdir, labels);
  }

  /** Makes a configuration, and says what is wrong with what it is given. For one thread. */
  public static final class Builder {

    private static final String CERTIFICATES = "/etc/ssl/certs/ca-bundle.crt";

    /** What dates of four digits can say. */
    private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59Z");

    private static final Pattern PORT = Pattern.compile("([0-9]{1,5})(?:/(tcp|udp|sctp))?");
    private static final Pattern USER = Pattern.compile("[^:\\p{Cntrl}]+(?::[^:\\p{Cntrl}]+)?");

    private final Architecture architecture;
    private Instant created = Instant.ofEpochSecond(1);
    private Optional<String> user = Optional.empty();
    private final SortedSet<String> ports = new TreeSet<>();
    private final SortedMap<String, String> env =
        new TreeMap<>(
            Map.of(
                // What Docker itself takes where an image says nothing.
                "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "SSL_CERT_FILE", CERTIFICATES,
                "GIT_SSL_CAINFO", CERTIFICATES,
                "NIX_SSL_CERT_FILE", CERTIFICATES));
    private List<String> entrypoint = List.of();
    private List<String> cmd = List.of();
    private Optional<String> workdir = Optional.empty();
    private final SortedMap<String, String> labels = new TreeMap<>();

    private Builder(Architecture architecture) {
      this.architecture = architecture;
    }

    /**
     * Sets when the image was made. Fractions of a second are cut off.
     *
     * @throws IllegalArgumentException if that is not from 1970 to 9999
     */
    public Builder created(Instant time) {
      check(
          !time.isBefore(Instant.EPOCH) && !time.isAfter(LATEST),
          "the time of creation, '%s', is not from 1970 to 9999",
          time);
      created = time.truncatedTo(ChronoUnit.SECONDS);
      return this;
    }

    /**
     * Sets who runs the image.
     *
     * @throws IllegalArgumentException if that is not one name or number, or two with a colon
     */
    public Builder user(String text) {
      check(USER.matcher(text).matches(), "'%s' is not a user, as in nobody or 1000:1000", text);
      user = Optional.of(text);
      return this;
    }

    /**
     * Adds a port that the image listens on.
     *
     * @param text such as {@code 53/udp}; {@code 80} is {@code 80/tcp}
     * @throws IllegalArgumentException if it has another form
     */
    public Builder port(String text) {
      Matcher parts = PORT.matcher(text);
      check(parts.matches(), "'%s' is not a port, as in 80 or 53/udp", text);
      int number = Integer.parseInt(parts.group(1));
      check(number >= 1 && number <= 65535, "'%s' is not a port from 1 to 65535", text);
      ports.add(number + "/" + Optional.ofNullable(parts.group(2)).orElse("tcp"));
      return this;
    }

    /**
     * Adds a variable of the environment, or replaces it.
     *
     * @throws IllegalArgumentException if the name cannot be one
     */
    public Builder env(String name, String value) {
      check(!name.isEmpty() && name.indexOf('=') < 0, "'%s' is not the name of a variable", name);
      env.put(text(name), text(value));
      return this;
    }

    /** Sets the program that is always run, with its first arguments. */
    public Builder entrypoint(List<String> words) {
      entrypoint = words(words);
      return this;
    }

    /** Sets the default command, or default arguments of the entrypoint. */
    public Builder cmd(List<String> words) {
      cmd = words(words);
      return this;
    }

    /**
     * Sets where the image starts.
     *
     * @throws IllegalArgumentException if that is not an absolute path
     */
    public Builder workdir(String path) {
      check(path.startsWith("/"), "the working folder '%s' is not an absolute path", path);
      workdir = Optional.of(text(path));
      return this;
    }

    /**
     * Adds a label, or replaces it.
     *
     * @throws IllegalArgumentException if it has no key
     */
    public Builder label(String key, String value) {
      check(!key.isEmpty(), "the label '=%s' has no key", value);
      labels.put(text(key), text(value));
      return this;
    }

    /** Returns the configuration. */
    public ImageConfig build() {
      return new ImageConfig(
          architecture, created, user, ports, env, entrypoint, cmd, workdir, labels);
    }

    private static List<String> words(List<String> words) {
      return words.stream().map(Builder::text).toList();
    }

    /** No program can be given such a text. */
    private static String text(String text) {
      check(text.indexOf('\0') < 0, "'%s' has a zero byte", text.replace("\0", "\\0"));
      return text;
    }

    private static void check(boolean isRight, String message, Object what) {
      if (!isRight) {
        throw new IllegalArgumentException(message.formatted(what));
      }
    }
  }
}
