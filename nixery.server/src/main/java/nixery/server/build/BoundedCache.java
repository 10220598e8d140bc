package nixery.server.build;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;

/**
 * Remembers what was used last, up to a number of bytes. Thread-safe.
 *
 * @param <K> what is looked for
 * @param <V> what is remembered
 */
final class BoundedCache<K, V> {

  private final long maxBytes;
  private final ToLongFunction<V> size;
  private final Consumer<V> removed;
  private final Map<K, V> values = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  /**
   * Creates an empty one.
   *
   * @param maxBytes the most that all values may take; a larger value is not remembered
   * @param size of a value in bytes, about; always the same for the same value
   */
  BoundedCache(long maxBytes, ToLongFunction<V> size) {
    this(maxBytes, size, value -> {});
  }

  /**
   * Creates an empty one.
   *
   * @param maxBytes the most that all values may take; a larger value is not remembered
   * @param size of a value in bytes, about; always the same for the same value
   * @param removed is given each value that is no longer remembered or never was, once; others can
   *     use the cache meanwhile
   */
  BoundedCache(long maxBytes, ToLongFunction<V> size, Consumer<V> removed) {
    this.maxBytes = maxBytes;
    this.size = size;
    this.removed = removed;
  }

  synchronized Optional<V> find(K key) {
    return Optional.ofNullable(values.get(key));
  }

  /** Remembers a value instead of any other under this key. */
  void put(K key, V value) {
    long added = size.applyAsLong(value);
    if (added > maxBytes) {
      remove(key);
      removed.accept(value);
      return;
    }
    List<V> gone = new ArrayList<>();
    synchronized (this) {
      V old = values.put(key, value);
      bytes += added;
      if (old != null) {
        bytes -= size.applyAsLong(old);
        gone.add(old);
      }
      Iterator<V> eldest = values.values().iterator();
      while (bytes > maxBytes) {
        V oldest = eldest.next();
        eldest.remove();
        bytes -= size.applyAsLong(oldest);
        gone.add(oldest);
      }
    }
    gone.forEach(removed);
  }

  void remove(K key) {
    V old;
    synchronized (this) {
      old = values.remove(key);
      if (old != null) {
        bytes -= size.applyAsLong(old);
      }
    }
    if (old != null) {
      removed.accept(old);
    }
  }

  void clear() {
    List<V> gone;
    synchronized (this) {
      gone = List.copyOf(values.values());
      values.clear();
      bytes = 0;
    }
    gone.forEach(removed);
  }

  /** Returns what is remembered now, the least recently used first. */
  synchronized Map<K, V> snapshot() {
    return new LinkedHashMap<>(values);
  }
}
