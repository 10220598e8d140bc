package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;
import nixery.server.metrics.Metrics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tags are asked for once, and followed in the background. */
@Timeout(60)
final class KnownTagsTests {

  /** A source whose tags move when they are told to. */
  private static final class Moving implements PackageSource {

    private final Map<String, String> revisions = new ConcurrentHashMap<>();
    private final AtomicInteger asked = new AtomicInteger();
    private final Duration freshness;
    private final AtomicInteger asking = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();
    private volatile boolean down;
    private volatile boolean slow;

    Moving(Duration freshness) {
      this.freshness = freshness;
    }

    @Override
    public String identity() {
      return "moving";
    }

    @Override
    public ResolvedTag resolve(String tag) {
      asked.incrementAndGet();
      if (slow) {
        takeTime();
      }
      if (down) {
        throw new SourceUnavailableException("out to lunch");
      }
      String revision = revisions.get(tag);
      if (revision == null) {
        throw new UnknownTagException("no " + tag);
      }
      return new ResolvedTag(
          tag, Optional.of(revision).filter(text -> !text.isEmpty()), Optional.empty());
    }

    private void takeTime() {
      most.accumulateAndGet(asking.incrementAndGet(), Math::max);
      LockSupport.parkNanos(1_000_000);
      asking.decrementAndGet();
    }

    @Override
    public Duration freshness() {
      return freshness;
    }

    @Override
    public PackageSet checkout(ResolvedTag resolved) {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<String> tags() {
      return List.of();
    }

    @Override
    public void close() {}
  }

  private static KnownTags know(Moving source) {
    return new KnownTags(source, new Metrics("test"));
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(5);
    }
  }

  @Test
  void aTagIsAskedForOnce() {
    Moving source = new Moving(Duration.ofHours(1));
    source.revisions.put("main", "1");
    try (KnownTags tags = know(source)) {
      for (int i = 0; i < 100; i++) {
        assertThat(tags.resolve("main").revision()).contains("1");
      }
    }
    assertThat(source.asked).hasValue(1);
  }

  @Test
  void aTagThatMovesIsFollowedThoughNobodyWaitsForIt() throws InterruptedException {
    Moving source = new Moving(Duration.ofMillis(20));
    source.revisions.put("main", "1");
    try (KnownTags tags = know(source)) {
      tags.resolve("main");
      source.revisions.put("main", "2");
      await(() -> tags.resolve("main").revision().equals(Optional.of("2")));
      source.revisions.remove("main");
      await(() -> !stands(tags, "main"));
    }
  }

  private static boolean stands(KnownTags tags, String tag) {
    try {
      tags.resolve(tag);
      return true;
    } catch (UnknownTagException e) {
      return false;
    }
  }

  @Test
  void whileTheSourceIsGoneTagsStandForWhatTheyStoodFor() throws InterruptedException {
    Moving source = new Moving(Duration.ofMillis(20));
    source.revisions.put("main", "1");
    source.revisions.put("other", "1");
    try (KnownTags tags = know(source)) {
      tags.resolve("main");
      source.down = true;
      await(() -> tags.resolve("main").warning().isPresent());
      assertThat(tags.resolve("main").revision()).contains("1");
      assertThat(tags.resolve("main").warning().orElseThrow()).contains("out to lunch");
      assertThatThrownBy(() -> tags.resolve("other"))
          .isInstanceOf(SourceUnavailableException.class);

      source.revisions.put("main", "2");
      source.down = false;
      await(() -> tags.resolve("main").warning().isEmpty());
      assertThat(tags.resolve("main").revision()).contains("2");
    }
  }

  @Test
  void whatCanChangeUnnoticedIsAskedForEachTime() {
    Moving cheap = new Moving(Duration.ZERO);
    cheap.revisions.put("main", "1");
    Moving without = new Moving(Duration.ofHours(1));
    without.revisions.put("main", "");
    for (Moving source : List.of(cheap, without)) {
      try (KnownTags tags = know(source)) {
        tags.resolve("main");
        tags.resolve("main");
      }
      assertThat(source.asked).hasValue(2);
    }
  }

  @Test
  void fewTagsAreAskedForAgainAtATime() throws InterruptedException {
    Moving source = new Moving(Duration.ofMillis(20));
    try (KnownTags tags = know(source)) {
      for (int i = 0; i < 50; i++) {
        source.revisions.put("t" + i, "1");
        tags.resolve("t" + i);
      }
      source.slow = true;
      await(() -> source.asked.get() > 200);
      assertThat(source.most).hasValueBetween(1, 4);
    }
  }

  @Test
  void askingForEverNewTagsTakesNoMoreThanSoMuchMemory() {
    Moving source = new Moving(Duration.ofHours(1));
    try (KnownTags tags = know(source)) {
      for (int i = 0; i < 3000; i++) {
        source.revisions.put("t" + i, "1");
        tags.resolve("t" + i);
      }
      assertThat(source.asked).hasValue(3000);
      tags.resolve("t2999");
      assertThat(source.asked).as("the last is known").hasValue(3000);
      tags.resolve("t0");
      assertThat(source.asked).as("the first is not").hasValue(3001);
    }
  }
}
