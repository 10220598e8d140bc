package nixery.source.git;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SharedLookupsTests {

  @Test
  void areFewAtATime() throws Exception {
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    try (SharedLookups<Integer, Integer> lookups = new SharedLookups<>(Duration.ofSeconds(1));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<Integer>> all =
          IntStream.range(0, 100)
              .<Callable<Integer>>mapToObj(key -> () -> lookups.get(key, () -> slow(running, most)))
              .toList();
      assertThat(threads.invokeAll(all)).allMatch(answer -> answer.resultNow() > 0);
    }
    assertThat(most).hasPositiveValue().hasValueLessThanOrEqualTo(16);
  }

  private static int slow(AtomicInteger running, AtomicInteger most) {
    int now = running.incrementAndGet();
    most.accumulateAndGet(now, Math::max);
    try {
      Thread.sleep(50);
      return now;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    } finally {
      running.decrementAndGet();
    }
  }
}
