package nixery.source.channel;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * A bounded map that forgets what was not used for longest. Thread-safe.
 *
 * @param <V> what is kept
 */
final class Recent<V> {

  private final int most;
  private final Map<String, V> values = new LinkedHashMap<>(16, 0.75f, true);

  Recent(int most) {
    this.most = most;
  }

  synchronized Optional<V> find(String key) {
    return Optional.ofNullable(values.get(key));
  }

  synchronized void put(String key, V value) {
    values.put(key, value);
    if (values.size() > most) {
      values.remove(values.keySet().iterator().next());
    }
  }

  synchronized V get(String key, Function<String, V> maker) {
    V value = values.get(key);
    if (value == null) {
      value = maker.apply(key);
      put(key, value);
    }
    return value;
  }
}
