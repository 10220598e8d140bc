package nixery.property;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Makes random values. Those at the bounds, small ones and odd ones are more frequent than chance
 * would have it, since that is where mistakes are. Not thread-safe.
 */
public final class Samples {

  /** The letters of ASCII. */
  public static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  /** What means something to one or the other who reads text. */
  private static final String ODD =
      "\0\t\n\r\u001b \"'\\/<>&%;:=,.-_@#{}[]()\u007f\u0085\u2028\ufeff";

  private final Random random;

  /**
   * Makes the same values as any other with this seed.
   *
   * @param seed any number
   */
  public Samples(long seed) {
    random = new Random(seed);
  }

  /**
   * Returns what the other values are made from.
   *
   * @return a source of random numbers
   */
  public Random random() {
    return random;
  }

  /**
   * Returns true or false.
   *
   * @return either, as often
   */
  public boolean flag() {
    return random.nextBoolean();
  }

  /**
   * Returns a number.
   *
   * @param min the least
   * @param max the greatest
   * @return a number from min to max, both included
   */
  public int between(int min, int max) {
    return (int) (min + distance((long) max - min));
  }

  /**
   * Returns a number.
   *
   * @param min the least, not negative
   * @param max the greatest
   * @return a number from min to max, both included
   */
  public long between(long min, long max) {
    return min + distance(max - min);
  }

  /** Returns a number from 0 to a greatest one. */
  private long distance(long greatest) {
    return switch (random.nextInt(6)) {
      case 0 -> random.nextBoolean() ? 0 : greatest;
      case 1 -> Math.min(greatest, random.nextLong(1L << random.nextInt(63)));
      default ->
          greatest == Long.MAX_VALUE ? random.nextLong() >>> 1 : random.nextLong(greatest + 1);
    };
  }

  /**
   * Returns one of some values.
   *
   * @param values at least one
   * @param <T> their type
   * @return any of them, as often
   */
  public <T> T of(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  /**
   * Returns some values.
   *
   * @param min how many at least
   * @param max how many at most
   * @param values makes them
   * @param <T> their type
   * @return a list that can be changed
   */
  public <T> List<T> list(int min, int max, Supplier<? extends T> values) {
    List<T> list = new ArrayList<>();
    for (int count = between(min, max); count > 0; count--) {
      list.add(values.get());
    }
    return list;
  }

  /**
   * Returns a text of certain characters.
   *
   * @param characters of the Basic Multilingual Plane
   * @param min its least length
   * @param max its greatest length
   * @return a text
   */
  public String text(String characters, int min, int max) {
    StringBuilder text = new StringBuilder();
    for (int count = between(min, max); count > 0; count--) {
      text.append(characters.charAt(random.nextInt(characters.length())));
    }
    return text.toString();
  }

  /**
   * Returns any text: plain, full of characters that mean something, in any script, or no text at
   * all but halves of characters.
   *
   * @param min its least length, in units of UTF-16
   * @param max its greatest length, likewise
   * @return a text
   */
  public String text(int min, int max) {
    int length = between(min, max);
    int kind = random.nextInt(5);
    StringBuilder text = new StringBuilder();
    while (text.length() < length) {
      switch (kind) {
        case 0 -> text.append((char) (' ' + random.nextInt('~' - ' ' + 1)));
        case 1 -> text.append(ODD.charAt(random.nextInt(ODD.length())));
        case 2 -> text.append((char) random.nextInt(1 << Character.SIZE));
        case 3 -> text.appendCodePoint(random.nextInt(Character.MAX_CODE_POINT + 1));
        default ->
            text.append(
                random.nextBoolean()
                    ? LETTERS.charAt(random.nextInt(LETTERS.length()))
                    : ODD.charAt(random.nextInt(ODD.length())));
      }
    }
    text.setLength(length); // The last one may have been two.
    return text.toString();
  }

  /**
   * Returns any text.
   *
   * @return a text of up to 255 units of UTF-16
   */
  public String text() {
    return text(0, 255);
  }
}
