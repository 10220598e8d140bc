package nixery.source.channel;

import java.util.Map;
import java.util.Set;
import nixery.api.source.PackageSourceProvider;
import nixery.testkit.PackageSourceContractTests;
import org.junit.jupiter.api.AfterEach;

/** A channel passes the contract of package sources. */
class ChannelContractTests extends PackageSourceContractTests {

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
  protected Set<String> secrets() {
    return Set.of("hunter2");
  }

  @Override
  protected Map<String, String> environment() {
    String revision = Tarballs.REVISIONS.getFirst();
    host.publish("nixos-unstable", revision, Tarballs.release(revision, "{ }"));
    return Map.of(
        "NIXERY_CHANNEL",
        "nixos-unstable",
        "NIXERY_CHANNEL_URL",
        host.channels().replace("//", "//someone:hunter2@"),
        "NIXERY_NIXPKGS_ARCHIVE_URL",
        host.archive().replace("//", "//someone:hunter2@"));
  }
}
