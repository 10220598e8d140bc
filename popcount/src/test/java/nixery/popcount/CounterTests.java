package nixery.popcount;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import nixery.image.Popularity;
import nixery.image.Popularity.Usage;
import nixery.image.StorePath;
import nixery.property.Property;
import nixery.property.Samples;
import org.junit.jupiter.api.Test;

class CounterTests {

  private static Popularity count(List<NarInfo> infos) {
    Counter counter = new Counter();
    infos.forEach(info -> counter.add(info.path(), info.narSize(), info.references()));
    return counter.result(Optional.empty(), Optional.empty());
  }

  private static NarInfo info(String name, long size, String... references) {
    TreeSet<StorePath> paths = new TreeSet<>();
    for (String reference : references) {
      paths.add(Packages.path(reference));
    }
    return new NarInfo(Packages.path(name), size, paths);
  }

  @Test
  void countsPackagesAndNotPaths() {
    Popularity popularity =
        count(
            List.of(
                info("glibc-2.40", 30, "glibc-2.40"),
                info("glibc-2.40-bin", 3, "glibc-2.40", "bash-5.2"),
                info("bash-5.2", 5, "glibc-2.40", "bash-5.2"),
                info("curl-8.1", 1, "glibc-2.40"),
                info("curl-8.1-dev", 1, "curl-8.1", "glibc-2.40", "glibc-2.40-bin"),
                info("curl-7.0", 1, "glibc-2.40", "zlib-1.3"),
                info("hello-2.12.drv", 1, "glibc-2.40", "bash-5.2"),
                info("x-1", 1, "hello-2.12.drv")));

    assertThat(popularity.packages())
        .containsOnly(
            Map.entry("glibc", new Usage(2, 33)),
            Map.entry("bash", new Usage(1, 5)),
            Map.entry("curl", new Usage(0, 3)),
            Map.entry("zlib", new Usage(1, 0)),
            Map.entry("x", new Usage(0, 1)));
  }

  @Test
  void sizesDoNotOverflow() {
    assertThat(count(List.of(info("a-1", Long.MAX_VALUE), info("a-2", 2))).packages())
        .allSatisfy((_, usage) -> assertThat(usage.narSize()).isPositive());
  }

  private static String name(Samples samples) {
    return samples.of(List.of("a", "b", "lib", "lib-x", "python3.12-y"))
        + samples.of(List.of("", "-1", "-1.2-dev", "-2"));
  }

  /** Returns no path twice. */
  private static List<NarInfo> store(Samples samples) {
    Map<StorePath, NarInfo> infos = new HashMap<>();
    for (String name : samples.list(0, 20, () -> name(samples))) {
      List<String> references = samples.list(0, 6, () -> name(samples));
      NarInfo info = info(name, samples.between(0, 1000), references.toArray(new String[0]));
      infos.put(info.path(), info);
    }
    return List.copyOf(infos.values());
  }

  @Test
  void isWhatTheDefinitionSays() {
    Property.holds(300, samples -> assertCountedAsDefined(store(samples)));
  }

  private static void assertCountedAsDefined(List<NarInfo> infos) {
    Map<String, Set<String>> referrers = new HashMap<>();
    Map<String, Long> sizes = new HashMap<>();
    for (NarInfo info : infos) {
      String pname = info.path().pname();
      sizes.merge(pname, info.narSize(), Long::sum);
      referrers.computeIfAbsent(pname, _ -> new HashSet<>());
      for (StorePath reference : info.references()) {
        referrers.computeIfAbsent(reference.pname(), _ -> new HashSet<>()).add(pname);
      }
    }
    referrers.forEach((pname, names) -> names.remove(pname));

    assertThat(count(infos).packages().keySet()).isEqualTo(referrers.keySet());
    count(infos)
        .packages()
        .forEach((pname, usage) ->
            assertThat(usage)
                .isEqualTo(new Usage(referrers.get(pname).size(), sizes.getOrDefault(pname, 0L))));
  }

  @Test
  void theOrderMakesNoDifference() {
    Property.holds(
        100,
        samples -> {
          List<NarInfo> infos = store(samples);
          List<NarInfo> shuffled = new ArrayList<>(infos);
          Collections.shuffle(shuffled, samples.random());

          assertThat(count(shuffled).packages()).isEqualTo(count(infos).packages());
        });
  }

  @Test
  void manyReferencesAreCounted() {
    List<NarInfo> infos = Packages.channel(5000, 0);
    Map<String, Set<String>> referrers = new HashMap<>();
    for (NarInfo info : infos) {
      for (StorePath reference : info.references()) {
        if (!reference.pname().equals(info.path().pname())) {
          referrers
              .computeIfAbsent(reference.pname(), _ -> new HashSet<>())
              .add(info.path().pname());
        }
      }
    }
    count(infos)
        .packages()
        .forEach((pname, usage) ->
            assertThat(usage.count()).isEqualTo(referrers.getOrDefault(pname, Set.of()).size()));
  }
}
