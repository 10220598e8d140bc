package nixery.image;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.NavigableMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * A closure: store paths, each with its references, none of which leads out. Equal for any order of
 * the input. Immutable.
 */
public final class ReferenceGraph {

  private final NavigableMap<StorePath, PathInfo> infos;

  private ReferenceGraph(NavigableMap<StorePath, PathInfo> infos) {
    this.infos = Collections.unmodifiableNavigableMap(infos);
  }

  /**
   * Makes a graph. References of a path to itself are dropped.
   *
   * @param infos one for each path, in any order
   * @return the graph
   * @throws IllegalArgumentException if a path comes twice or refers to one that is not there
   */
  public static ReferenceGraph of(Collection<PathInfo> infos) {
    NavigableMap<StorePath, PathInfo> byPath = new TreeMap<>();
    for (PathInfo info : infos) {
      if (byPath.put(info.path(), withoutSelf(info)) != null) {
        throw new IllegalArgumentException(info.path() + " is there twice");
      }
    }
    for (PathInfo info : byPath.values()) {
      for (StorePath reference : info.references()) {
        if (!byPath.containsKey(reference)) {
          throw new IllegalArgumentException(
              info.path() + " refers to " + reference + ", which is not in the closure");
        }
      }
    }
    return new ReferenceGraph(byPath);
  }

  private static PathInfo withoutSelf(PathInfo info) {
    if (!info.references().contains(info.path())) {
      return info;
    }
    SortedSet<StorePath> others = new TreeSet<>(info.references());
    others.remove(info.path());
    return new PathInfo(info.path(), info.narSize(), others);
  }

  /**
   * Reads what {@code nix-store --dump-db PATH…} prints for the paths of a closure. For each path
   * these lines: the path, its NAR hash (SHA-256, base 16), its NAR size, its deriver or an empty
   * line, the number of its references, each reference. See {@code Store::makeValidityRegistration}
   * in Nix's {@code src/libstore/store-api.cc}.
   *
   * @param dump the text; read to its end and left open
   * @return the graph
   * @throws IOException if reading fails
   * @throws IllegalArgumentException if the text has another form, with the number of the line, or
   *     is no closure
   */
  public static ReferenceGraph parseDump(Reader dump) throws IOException {
    List<PathInfo> infos = new ArrayList<>();
    readDump(dump, infos::add);
    return of(infos);
  }

  /**
   * Reads what {@link #parseDump} reads path by path, so that it need not fit into memory, nor be a
   * closure.
   *
   * @param dump the text; read to its end and left open
   * @param each is given each path in order
   * @throws IOException if reading fails
   * @throws IllegalArgumentException if the text has another form, with the number of the line
   */
  public static void readDump(Reader dump, Consumer<PathInfo> each) throws IOException {
    Lines lines = new Lines(dump);
    while (lines.advance()) {
      each.accept(lines.info());
    }
  }

  /** Returns all paths, sorted. */
  public SortedSet<StorePath> paths() {
    return infos.navigableKeySet();
  }

  /**
   * Returns what is known of a path.
   *
   * @param path one of {@link #paths}
   * @return its size and its references, which do not contain itself
   * @throws IllegalArgumentException if the path is not in the graph
   */
  public PathInfo info(StorePath path) {
    PathInfo info = infos.get(path);
    if (info == null) {
      throw new IllegalArgumentException(path + " is not in the closure");
    }
    return info;
  }

  /**
   * Returns what some paths need.
   *
   * @param roots some of {@link #paths}
   * @return the roots and all that they refer to, directly or not; sorted
   * @throws IllegalArgumentException if a root is not in the graph
   */
  public SortedSet<StorePath> closure(SortedSet<StorePath> roots) {
    SortedSet<StorePath> reached = new TreeSet<>(roots);
    Deque<StorePath> left = new ArrayDeque<>(roots);
    while (!left.isEmpty()) {
      for (StorePath reference : info(left.pop()).references()) {
        if (reached.add(reference)) {
          left.push(reference);
        }
      }
    }
    return Collections.unmodifiableSortedSet(reached);
  }

  /** The lines of a dump, and which one is being read. */
  private static final class Lines {
    private final BufferedReader reader;
    private String line = "";
    private int number;

    Lines(Reader dump) {
      reader = new BufferedReader(dump);
    }

    boolean advance() throws IOException {
      String next = reader.readLine();
      if (next == null) {
        return false;
      }
      line = next;
      number++;
      return true;
    }

    /** Reads the lines of one path, on the first of which it stands. */
    PathInfo info() throws IOException {
      StorePath path = path();
      next(); // the NAR hash
      long size = number(next(), Long.MAX_VALUE);
      if (!next().isEmpty()) {
        path(); // the deriver, which is only checked
      }
      long count = number(next(), Integer.MAX_VALUE);
      SortedSet<StorePath> references = new TreeSet<>();
      for (long i = 0; i < count; i++) {
        next();
        if (!references.add(path())) {
          throw malformed("the same reference again", null);
        }
      }
      try {
        return new PathInfo(path, size, references);
      } catch (IllegalArgumentException e) {
        throw malformed(e.getMessage(), e);
      }
    }

    private String next() throws IOException {
      if (!advance()) {
        throw malformed("the text ends in the middle of a path", null);
      }
      return line;
    }

    private StorePath path() {
      if (!line.startsWith(StorePath.STORE_DIRECTORY + "/")) {
        throw malformed("not a path in " + StorePath.STORE_DIRECTORY + ": " + line, null);
      }
      try {
        return StorePath.parse(line);
      } catch (IllegalArgumentException e) {
        throw malformed(e.getMessage(), e);
      }
    }

    private long number(String text, long greatest) {
      try {
        long value = Long.parseLong(text);
        if (value >= 0 && value <= greatest) {
          return value;
        }
      } catch (NumberFormatException e) {
        throw malformed("not a number: " + text, e);
      }
      throw malformed("not a number in range: " + text, null);
    }

    private IllegalArgumentException malformed(String what, Throwable cause) {
      return new IllegalArgumentException("line " + number + " of the dump: " + what, cause);
    }
  }
}
