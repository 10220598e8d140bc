package nixery.source.path;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import nixery.api.ConfigurationException;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a path is taken for, beyond the contract. */
class PathSourceTests {

  @TempDir Path temporary;

  private PackageSource open(Path path) {
    Settings settings = Settings.of(Map.of("NIXERY_PKGS_PATH", path.toString()));
    return new PathSourceProvider().open(new PluginContext(settings, temporary));
  }

  private Path checkout(PackageSource source) {
    try (PackageSet set = source.checkout(source.resolve("latest"))) {
      return set.path();
    }
  }

  private Path nixFile(String name) throws IOException {
    return Files.writeString(temporary.resolve(name), "{ }").toRealPath();
  }

  @Test
  void takesAFile() throws IOException {
    Path file = nixFile("set.nix");

    assertThat(checkout(open(file))).isEqualTo(file);
    assertThat(open(file).identity()).isEqualTo("path:" + file);
    assertThat(open(file).tags()).containsExactly("latest");
  }

  @Test
  void followsALinkAnewForEachRequest() throws IOException {
    Path first = nixFile("first.nix");
    Path second = nixFile("second.nix");
    Path link = Files.createSymbolicLink(temporary.resolve("link"), first);
    PackageSource source = open(link);
    assertThat(checkout(source)).isEqualTo(first);

    Files.delete(link);
    Files.createSymbolicLink(link, second);

    assertThat(checkout(source)).isEqualTo(second);
    assertThat(source.identity()).isEqualTo("path:" + link);
  }

  @Test
  void saysThatAPathHasOneTag() throws IOException {
    PackageSource source = open(nixFile("set.nix"));

    assertThatThrownBy(() -> source.resolve("v2"))
        .isInstanceOf(UnknownTagException.class)
        .hasMessage("no tag 'v2': the package set is a local path, which has no tags but 'latest'");
  }

  @Test
  void hasNoRevisionForWhatCanChange() throws IOException {
    assertThat(open(nixFile("set.nix")).resolve("latest").revision()).isEmpty();
  }

  @Test
  void takesAStorePathForARevision() throws IOException {
    Path store = Files.createDirectory(temporary.resolve("store")).toRealPath();
    Path stored = Files.createDirectories(store.resolve("0c5b-nixpkgs"));
    Files.writeString(stored.resolve("default.nix"), "{ }");
    Path link = Files.createSymbolicLink(temporary.resolve("channel"), stored);
    PackageSource source = new PathSource(link, store);

    ResolvedTag resolved = source.resolve("latest");
    assertThat(resolved.revision()).contains("0c5b-nixpkgs");

    // The link moves on between the two steps; what was resolved is still what is checked out.
    Files.delete(link);
    Files.createSymbolicLink(link, nixFile("other.nix"));
    try (PackageSet set = source.checkout(resolved)) {
      assertThat(set.path()).isEqualTo(stored);
    }
    assertThat(source.resolve("latest").revision()).isEmpty();
  }

  @Test
  void tellsRevisionsInOneStorePathApart() throws IOException {
    Path store = Files.createDirectory(temporary.resolve("store")).toRealPath();
    Path stored = Files.createDirectories(store.resolve("0c5b-sets"));
    Path one = Files.writeString(stored.resolve("one.nix"), "{ }");

    assertThat(new PathSource(one, store).resolve("latest").revision())
        .contains("0c5b-sets/one.nix");
    assertThat(new PathSource(store, store).resolve("latest").revision()).isEmpty();
  }

  @Test
  void refusesWhatIsNoPackageSet() throws IOException {
    assertRefused(temporary.resolve("nowhere"), "does not exist");
    assertRefused(Files.createSymbolicLink(temporary.resolve("a.nix"), Path.of("b")), "not exist");
    assertRefused(Files.writeString(temporary.resolve("set.txt"), "{ }"), "neither a .nix file");
    assertRefused(Files.createDirectory(temporary.resolve("empty")), "without a default.nix");
    assertRefused(Path.of("/dev/null"), "neither a .nix file");

    assertThatThrownBy(() ->
            new PathSourceProvider().open(new PluginContext(Settings.of(Map.of()), temporary)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("NIXERY_PKGS_PATH is not set");
  }

  private void assertRefused(Path path, String why) {
    assertThatThrownBy(() -> open(path))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("NIXERY_PKGS_PATH must be")
        .hasMessageContaining(path.toString())
        .hasMessageContaining(why)
        .hasMessageEndingWith(".");
  }

  @Test
  void saysWhenThePackageSetHasGone() throws IOException {
    Path folder = Files.createDirectory(temporary.resolve("set"));
    Path file = Files.writeString(folder.resolve("default.nix"), "{ }");
    PackageSource source = open(folder);
    ResolvedTag resolved = source.resolve("latest");

    Files.delete(file);
    assertThatThrownBy(() -> source.checkout(resolved))
        .isInstanceOf(InvalidPackageSetException.class)
        .hasMessageContaining("without a default.nix");

    Files.delete(folder);
    assertThatThrownBy(() -> source.checkout(resolved))
        .isInstanceOf(SourceUnavailableException.class);
    assertThatThrownBy(() -> source.resolve("latest"))
        .isInstanceOf(SourceUnavailableException.class);
    ResolvedTag collected = new ResolvedTag("latest", Optional.of("gone"), Optional.empty());
    assertThatThrownBy(() -> source.checkout(collected))
        .isInstanceOf(SourceUnavailableException.class);
  }
}
