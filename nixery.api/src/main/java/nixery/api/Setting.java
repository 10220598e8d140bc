package nixery.api;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * One environment variable that the server or a plugin reads: its name, its type, and what the
 * reference says about it. Immutable; the methods that change something return another setting.
 *
 * <pre>{@code
 * static final Setting<Path> FOLDER =
 *     Setting.path("STORAGE_PATH", "folder that holds layers and manifests").required();
 * }</pre>
 *
 * @param <T> the type of the value
 */
public final class Setting<T> {

  private static final Pattern NAME = Pattern.compile("[A-Z][A-Z0-9_]*");

  /** How much of a malformed value is repeated, in characters. */
  private static final int SHOWN = 100;

  /** Reads a value, or says in the words of {@link #expectation} what it should have been. */
  private interface Parser<T> {
    T parse(String text) throws BadValue;
  }

  private static final class BadValue extends Exception {
    private static final long serialVersionUID = 1;
  }

  private final String name;
  private final String meaning;
  private final String expectation;
  private final Parser<T> parser;
  private final Optional<String> defaultText;
  private final boolean required;
  private final boolean secret;

  private Setting(
      String name,
      String meaning,
      String expectation,
      Parser<T> parser,
      Optional<String> defaultText,
      boolean required,
      boolean secret) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("not the name of a variable: " + name);
    }
    this.name = name;
    this.meaning = meaning;
    this.expectation = expectation;
    this.parser = parser;
    this.defaultText = defaultText;
    this.required = required;
    this.secret = secret;
  }

  private static <T> Setting<T> of(
      String name, String meaning, String expectation, Parser<T> parser) {
    return new Setting<>(name, meaning, expectation, parser, Optional.empty(), false, false);
  }

  /**
   * Declares a setting that is any text.
   *
   * @param name the environment variable
   * @param meaning a phrase for the reference
   * @return an optional setting
   */
  public static Setting<String> text(String name, String meaning) {
    return of(name, meaning, "text", text -> text);
  }

  /**
   * Declares a path of the file system. A relative one is taken from the server's working folder.
   *
   * @param name the environment variable
   * @param meaning a phrase for the reference
   * @return an optional setting
   */
  public static Setting<Path> path(String name, String meaning) {
    return of(
        name,
        meaning,
        "a path",
        text -> {
          try {
            return Path.of(text).toAbsolutePath().normalize();
          } catch (InvalidPathException e) {
            throw new BadValue();
          }
        });
  }

  /**
   * Declares a whole number.
   *
   * @param name the environment variable
   * @param meaning a phrase for the reference
   * @param least the smallest value that is accepted
   * @param most the largest
   * @return an optional setting
   */
  public static Setting<Integer> number(String name, String meaning, int least, int most) {
    return of(
        name,
        meaning,
        "a whole number from " + least + " to " + most,
        text -> {
          try {
            int value = Integer.parseInt(text);
            if (value < least || value > most) {
              throw new BadValue();
            }
            return value;
          } catch (NumberFormatException e) {
            throw new BadValue();
          }
        });
  }

  /**
   * Declares a time span, written as a whole number of seconds from 1 up to a week.
   *
   * @param name the environment variable
   * @param meaning a phrase for the reference
   * @return an optional setting
   */
  public static Setting<Duration> seconds(String name, String meaning) {
    Setting<Integer> number = number(name, meaning, 1, 7 * 24 * 3600);
    return of(
        name,
        meaning,
        "a number of seconds from 1 to 604800",
        text -> Duration.ofSeconds(number.parser.parse(text)));
  }

  /**
   * Declares a switch, written {@code true} or {@code false}.
   *
   * @param name the environment variable
   * @param meaning a phrase for the reference
   * @return an optional setting
   */
  public static Setting<Boolean> flag(String name, String meaning) {
    return of(
        name,
        meaning,
        "true or false",
        text ->
            switch (text.toLowerCase(Locale.ROOT)) {
              case "true" -> true;
              case "false" -> false;
              default -> throw new BadValue();
            });
  }

  /**
   * Declares an absolute http or https address.
   *
   * @param name the environment variable
   * @param meaning a phrase for the reference
   * @return an optional setting
   */
  public static Setting<URI> url(String name, String meaning) {
    return of(
        name,
        meaning,
        "an address that starts with http:// or https://",
        text -> {
          try {
            URI uri = new URI(text);
            if (uri.getHost() == null
                || uri.getScheme() == null
                || !List.of("http", "https").contains(uri.getScheme().toLowerCase(Locale.ROOT))) {
              throw new BadValue();
            }
            return uri;
          } catch (URISyntaxException e) {
            throw new BadValue();
          }
        });
  }

  /**
   * Declares a choice among a few words, the constants of an enum in lower case with hyphens.
   *
   * @param name the environment variable
   * @param meaning a phrase for the reference
   * @param type the enum
   * @param <E> the enum
   * @return an optional setting
   */
  public static <E extends Enum<E>> Setting<E> choice(String name, String meaning, Class<E> type) {
    List<E> constants = List.of(type.getEnumConstants());
    return of(
        name,
        meaning,
        "one of " + String.join(", ", constants.stream().map(Setting::word).toList()),
        text ->
            constants.stream()
                .filter(constant -> word(constant).equals(text))
                .findFirst()
                .orElseThrow(BadValue::new));
  }

  /**
   * Declares a setting whose values have a form of their own.
   *
   * @param name the environment variable
   * @param meaning a phrase for the reference
   * @param expectation what a value looks like, a phrase that goes on "must be": "a path"
   * @param parser reads a value; empty if it is not of that form
   * @param <T> the type of the value
   * @return an optional setting
   */
  public static <T> Setting<T> parsed(
      String name, String meaning, String expectation, Function<String, Optional<T>> parser) {
    return of(name, meaning, expectation, text -> parser.apply(text).orElseThrow(BadValue::new));
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Makes the setting one without which the server does not start.
   *
   * @return a required setting
   */
  public Setting<T> required() {
    return new Setting<>(name, meaning, expectation, parser, Optional.empty(), true, secret);
  }

  /**
   * Gives the setting a value for when the variable is not set.
   *
   * @param text the value as it would stand in the environment
   * @return a setting that always has a value
   * @throws IllegalArgumentException if the text is not a value of this setting
   */
  public Setting<T> withDefault(String text) {
    try {
      parser.parse(text);
    } catch (BadValue e) {
      throw new IllegalArgumentException("the default of " + name + " is not " + expectation, e);
    }
    return new Setting<>(name, meaning, expectation, parser, Optional.of(text), false, secret);
  }

  /**
   * Marks the value as one that must not be shown. It is left out of messages and hidden from the
   * processes that the server starts.
   *
   * @return a secret setting
   */
  public Setting<T> secret() {
    return new Setting<>(name, meaning, expectation, parser, defaultText, required, true);
  }

  /** Returns the name of the environment variable. */
  public String name() {
    return name;
  }

  /** Returns the phrase for the reference. */
  public String meaning() {
    return meaning;
  }

  /** Returns what a value looks like, as a phrase: "a path", "a whole number from 1 to 9". */
  public String expectation() {
    return expectation;
  }

  /** Returns the default as it would stand in the environment, if there is one. */
  public Optional<String> defaultText() {
    return defaultText;
  }

  /** Tells whether the server does not start without this setting. */
  public boolean isRequired() {
    return required;
  }

  /** Tells whether the value must not be shown. */
  public boolean isSecret() {
    return secret;
  }

  T parse(String text) {
    try {
      return parser.parse(text);
    } catch (BadValue e) {
      String found = secret ? "its value, which is secret, is not" : "not '" + shown(text) + "'";
      throw new ConfigurationException(name + " must be " + expectation + ", " + found + ".", e);
    }
  }

  /** Makes one short line of a value, without the password that an address may hold. */
  private static String shown(String text) {
    String line = text.replaceAll("\\p{Cntrl}+", " ").replaceAll("//[^/]*@", "//");
    return line.length() <= SHOWN ? line : line.substring(0, SHOWN) + "…";
  }

  @Override
  public String toString() {
    return name;
  }
}
