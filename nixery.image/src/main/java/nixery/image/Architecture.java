package nixery.image;

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

  /** Returns the name of the system in Nix. */
  public String nixSystem() {
    return nixSystem;
  }
}
