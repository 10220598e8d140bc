package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import nixery.property.Property;
import org.junit.jupiter.api.Test;

/** What was used last is remembered, and no more than so much. */
final class BoundedCacheTests {

  @Test
  void neverHoldsMoreThanItMay() {
    Property.holds(
        1000, samples -> assertBounded(samples.list(0, 100, () -> samples.between(0, 120))));
  }

  private static void assertBounded(List<Integer> sizes) {
    List<Integer> removed = new ArrayList<>();
    BoundedCache<Integer, Integer> cache =
        new BoundedCache<>(100, Integer::longValue, removed::add);
    for (int i = 0; i < sizes.size(); i++) {
      cache.put(i % 7, sizes.get(i));
      List<Integer> held = List.copyOf(cache.snapshot().values());
      assertThat(held.stream().mapToInt(size -> size).sum()).isLessThanOrEqualTo(100);
      assertThat(held.size() + removed.size()).isEqualTo(i + 1);
      if (sizes.get(i) <= 100) {
        assertThat(cache.find(i % 7)).contains(sizes.get(i));
      }
    }
    cache.clear();
    assertThat(cache.snapshot()).isEmpty();
    assertThat(removed).containsExactlyInAnyOrderElementsOf(sizes);
  }

  @Test
  void whatWasUsedLastStays() {
    BoundedCache<String, String> cache = new BoundedCache<>(2, String::length);
    cache.put("a", "1");
    cache.put("b", "2");
    assertThat(cache.find("a")).contains("1");
    cache.put("c", "3");
    assertThat(cache.snapshot().keySet()).containsExactly("a", "c");
    cache.remove("a");
    cache.put("d", "4");
    assertThat(cache.snapshot().keySet()).containsExactly("c", "d");
  }

  @Test
  void whatIsTooLargePushesNothingElseOut() {
    BoundedCache<String, String> cache = new BoundedCache<>(2, String::length);
    cache.put("a", "1");
    cache.put("b", "2");
    cache.put("c", "333");
    assertThat(cache.snapshot().keySet()).containsExactly("a", "b");
    cache.put("a", "333");
    assertThat(cache.snapshot().keySet()).containsExactly("b");
  }
}
