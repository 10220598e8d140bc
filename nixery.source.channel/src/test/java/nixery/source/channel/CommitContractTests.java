package nixery.source.channel;

import java.util.Map;
import nixery.api.source.PackageSourceProvider;
import nixery.testkit.PackageSourceContractTests;
import org.junit.jupiter.api.AfterEach;

/** A commit passes the contract of package sources. */
class CommitContractTests extends PackageSourceContractTests {

  private final ChannelHost host = new ChannelHost();

  @AfterEach
  void stop() {
    host.close();
  }

  @Override
  protected PackageSourceProvider provider() {
    return new ChannelSourceProvider();
  }

  @Override
  protected Map<String, String> environment() {
    String commit = Tarballs.REVISIONS.getFirst();
    host.publishCommit(
        commit,
        Tarballs.gzip(
            new Tarballs.Tar()
                .pax('g', "comment=" + commit)
                .folder("nixpkgs-" + commit + "/")
                .file("nixpkgs-" + commit + "/default.nix", "{ }")
                .end()));
    return Map.of(
        "NIXERY_CHANNEL",
        commit,
        "NIXERY_CHANNEL_URL",
        host.channels().replace("//", "//someone:hunter2@"),
        "NIXERY_NIXPKGS_ARCHIVE_URL",
        host.archive() + "/");
  }
}
