package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import nixery.image.Architecture;
import nixery.image.Codec;
import nixery.image.ImageConfig;
import nixery.image.LayerPacker;
import nixery.image.LayeringStrategy;
import nixery.image.Popularity;
import org.junit.jupiter.api.Test;

class KeysTests {

  private static final ImageName GIT = ImageName.parse("git");
  private static final Path ROOT = Path.of("/");

  private final BuildConfig config =
      new BuildConfig(
          1,
          94,
          LayeringStrategy.standard(),
          () -> {
            throw new AssertionError("keys are made with the data that they are given");
          },
          ImageConfig.builder(Architecture.AMD64).build(),
          ROOT,
          ROOT,
          Duration.ofSeconds(1),
          Duration.ofSeconds(1));

  private static Popularity popularity(int glibc) {
    return Popularity.of(
        Optional.empty(),
        Optional.empty(),
        new TreeMap<>(Map.of("glibc", new Popularity.Usage(glibc, 0))));
  }

  @Test
  void coverThePopularityData() {
    try (LayerPacker packer = new LayerPacker(ROOT, Codec.java(5), 1)) {
      Keys keys = new Keys(config, packer);
      assertThat(keys.image("source", "revision", GIT, popularity(1)))
          .isEqualTo(keys.image("source", "revision", GIT, popularity(1)))
          .isNotEqualTo(keys.image("source", "revision", GIT, popularity(2)));
      List<String> outputs = List.of("/nix/store/x");
      assertThat(keys.image(GIT, outputs, popularity(1)))
          .isEqualTo(keys.image(GIT, outputs, popularity(1)))
          .isNotEqualTo(keys.image(GIT, outputs, popularity(2)));
    }
  }
}
