package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import nixery.image.DominatorTreeStrategy;
import nixery.image.Popularity;
import org.junit.jupiter.api.Test;

class KeysTests {

  private static final ImageName GIT = ImageName.parse("git");

  private final BuildConfig config =
      new BuildConfig(
          1,
          94,
          new DominatorTreeStrategy(),
          () -> {
            throw new AssertionError("keys are made with the data that they are given");
          },
          Path.of("/"),
          Path.of("/"),
          Duration.ofSeconds(1));

  private Keys keys(int glibc) {
    return new Keys(
        config,
        Popularity.of(
            Optional.empty(),
            Optional.empty(),
            new TreeMap<>(Map.of("glibc", new Popularity.Usage(glibc, 0)))));
  }

  @Test
  void coverThePopularityData() {
    assertThat(keys(1).image("source", "revision", GIT))
        .isEqualTo(keys(1).image("source", "revision", GIT))
        .isNotEqualTo(keys(2).image("source", "revision", GIT));
    assertThat(keys(1).image(GIT, List.of("/nix/store/x")))
        .isEqualTo(keys(1).image(GIT, List.of("/nix/store/x")))
        .isNotEqualTo(keys(2).image(GIT, List.of("/nix/store/x")));
  }
}
