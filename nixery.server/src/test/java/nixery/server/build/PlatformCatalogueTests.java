package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import nixery.image.Architecture;
import org.junit.jupiter.api.Test;

class PlatformCatalogueTests {

  private final List<String> asked = new ArrayList<>();

  /** Of arm64 everything is there. */
  private final Catalogue single =
      new Catalogue() {
        @Override
        public Preview preview(String name, String tag) {
          asked.add(name);
          return new Preview.Busy();
        }

        @Override
        public Optional<ImageDetails> find(String name, String tag) {
          asked.add(name);
          return Optional.empty();
        }

        @Override
        public Started start(String name, String tag) {
          asked.add(name);
          return name.startsWith("arm64/") ? new Started.Ready() : new Started.Building(name);
        }
      };

  private final Catalogue both =
      new PlatformCatalogue(single, List.of(Architecture.ARM64, Architecture.AMD64));

  @Test
  void aNameWithoutArchitectureDenotesTheFirstPlatform() {
    assertThat(both.architectures()).containsExactly("arm64", "amd64");
    both.preview("shell/git", "latest");
    both.find("shell/git", "latest");
    both.find("shell/amd64/git", "latest");
    assertThat(asked).containsExactly("arm64/shell/git", "arm64/shell/git", "shell/amd64/git");
  }

  @Test
  void itIsBuiltForAllPlatforms() {
    assertThat(both.start("git", "latest")).isEqualTo(new Catalogue.Started.Building("amd64/git"));
    assertThat(both.start("arm64/git", "latest")).isEqualTo(new Catalogue.Started.Ready());
    assertThat(asked).containsExactly("arm64/git", "amd64/git", "arm64/git");
  }

  @Test
  void otherArchitecturesCanBeNamed() {
    assertThat(new PlatformCatalogue(single, List.of(Architecture.ARM64)).architectures())
        .containsExactly("arm64", "amd64");
  }
}
