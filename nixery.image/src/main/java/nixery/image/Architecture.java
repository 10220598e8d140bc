package nixery.image;

import java.util.Optional;
import java.util.stream.Stream;

/** A processor architecture that images are built for. The operating system is always Linux. */
public enum Architecture {
  /** 64-bit x86. */
  AMD64("amd64", "x86_64-linux"),
  /** 64-bit ARM. */
  ARM64("arm64", "aarch64-linux");

  private final String imageName;
  private final String nixSystem;

  Architecture(String imageName, String nixSystem) {
    this.imageName = imageName;
    this.nixSystem = nixSystem;
  }

  /** Returns the name in image documents, which is Go's {@code GOARCH}. */
  public String imageName() {
    return imageName;
  }

  /**
   * Finds an architecture.
   *
   * @param imageName its name in image documents
   * @return the architecture; empty if there is none of this name
   */
  public static Optional<Architecture> named(String imageName) {
    return Stream.of(values())
        .filter(architecture -> architecture.imageName.equals(imageName))
        .findFirst();
  }

  /** Returns the name of the system in Nix. */
  public String nixSystem() {
    return nixSystem;
  }
}
