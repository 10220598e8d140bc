package nixery.source.git;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import nixery.api.source.PackageSourceProvider;
import nixery.testkit.PackageSourceContractTests;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** The contract of all package sources, for a private repository over http. */
class GitSourceContractTests extends PackageSourceContractTests {

  @TempDir Path folder;

  private HttpGitServer server;
  private UserHome home;

  @Override
  protected PackageSourceProvider provider() {
    return new GitSourceProvider();
  }

  @Override
  protected Map<String, String> environment() throws IOException {
    home = UserHome.in(folder.resolve("home"));
    WorkTree tree = WorkTree.withPackageSet(folder.resolve("repos/set"));
    tree.git("tag", "v1");
    tree.commit("lib/util.nix", "1\n");
    tree.git("branch", "next");
    server = HttpGitServer.start(folder.resolve("repos"));
    server.login = "ada:s3cret-pass";
    return Map.of("NIXERY_PKGS_REPO", server.url("ada:s3cret-pass", "set/.git"));
  }

  @Override
  protected Set<String> secrets() {
    return Set.of("s3cret-pass", "ada:");
  }

  @AfterEach
  void stop() {
    server.close();
    home.close();
  }
}
