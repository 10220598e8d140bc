package nixery.source.path;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import nixery.api.source.PackageSourceProvider;
import nixery.testkit.PackageSourceContractTests;
import org.junit.jupiter.api.io.TempDir;

/** The contract, for a folder. */
class PathSourceContractTests extends PackageSourceContractTests {

  @TempDir Path folder;

  @Override
  protected PackageSourceProvider provider() {
    return new PathSourceProvider();
  }

  @Override
  protected Map<String, String> environment() throws IOException {
    Files.writeString(folder.resolve("default.nix"), "{ }: import ./more.nix");
    Files.writeString(folder.resolve("more.nix"), "{ }");
    return Map.of("NIXERY_PKGS_PATH", folder.toString());
  }
}
