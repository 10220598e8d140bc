package nixery.server.nix;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import nixery.api.ConfigurationException;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NixMissingTests {

  @TempDir private Path folder;

  private NixConfig config() {
    return new NixConfig(
        Optional.of(folder),
        Path.of("/"),
        Duration.ofMinutes(1),
        Duration.ofMinutes(1),
        Set.of(),
        Map.of(),
        folder.resolve("roots"));
  }

  private void script(String name, String text) throws Exception {
    Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + text + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void isNoticedAtTheStart() {
    try (var nix = new Nix(config())) {
      assertThatThrownBy(nix::check)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith("Nix is not installed: ")
          .hasMessageContaining(folder.toString());
    }
  }

  @Test
  void isNoticedLater() {
    try (var nix = new Nix(config())) {
      assertThatThrownBy(() -> nix.resolve(folder, "x86_64-linux", new TreeSet<>(List.of("hello"))))
          .isInstanceOf(Failure.class)
          .extracting(e -> ((Failure) e).code())
          .isEqualTo(FailureCode.NIX_UNAVAILABLE);
    }
  }

  @Test
  void aStoreElsewhereIsRefused() throws Exception {
    script("nix-store", "echo 'nix-store (Nix) 2.99'");
    script("nix-instantiate", "echo '{\"nixVersion\":\"2.99\",\"storeDir\":\"/gnu/store\"}'");
    try (var nix = new Nix(config())) {
      assertThatThrownBy(nix::check)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("/gnu/store");
    }
  }

  @Test
  void beingKilledIsNotThePackagesFault() throws Exception {
    script("nix-instantiate", "kill -9 $$");
    try (var nix = new Nix(config())) {
      assertThatThrownBy(() -> nix.resolve(folder, "x86_64-linux", new TreeSet<>(List.of("hello"))))
          .isInstanceOf(Failure.class)
          .extracting(e -> ((Failure) e).code())
          .isEqualTo(FailureCode.NIX_UNAVAILABLE);
    }
  }

  @Test
  void aRootsFolderThatCannotBeMadeIsRefused() throws Exception {
    Files.writeString(folder.resolve("roots"), "a file");

    assertThatThrownBy(() -> new Nix(config()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(folder.resolve("roots").toString());
  }
}
