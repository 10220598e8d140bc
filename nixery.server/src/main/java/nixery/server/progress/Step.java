package nixery.server.progress;

import java.util.Locale;
import java.util.Optional;
import nixery.server.metrics.Phase;

/** The steps of a build, in order. Some are left out where their results are known already. */
public enum Step {
  /** Others are built first. */
  WAIT("Wait for a turn"),
  /** The package source brings the package set to this machine. */
  FETCH("Get the package set"),
  /** Nix finds out what the names mean. */
  EVALUATE("Evaluate"),
  /** Nix builds the packages, or fetches them from a cache. */
  REALISE("Build packages"),
  /** Nix tells what they need to run. */
  CLOSURE("Read the closure"),
  /** That is divided into layers. */
  PLAN("Plan layers"),
  /** Layers that are not in the storage yet are packed and stored. */
  PACK("Pack layers"),
  /** The image's documents are stored. */
  STORE("Store the image");

  private final String title;

  Step(String title) {
    this.title = title;
  }

  /** Returns what to call it before people. */
  public String title() {
    return title;
  }

  /** Returns what programs call it, a word in lower case. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Returns the step that begins with a phase; layers are packed and stored side by side. */
  static Optional<Step> of(Phase phase) {
    return switch (phase) {
      case CHECKOUT -> Optional.of(FETCH);
      case EVALUATE -> Optional.of(EVALUATE);
      case REALISE -> Optional.of(REALISE);
      case CLOSURE -> Optional.of(CLOSURE);
      case PLAN -> Optional.of(PLAN);
      case STORE -> Optional.of(STORE);
      case RESOLVE_TAG, PACK -> Optional.empty();
    };
  }
}
