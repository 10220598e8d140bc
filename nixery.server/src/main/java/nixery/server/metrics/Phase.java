package nixery.server.metrics;

import java.util.Locale;

/** The phases of making an image whose durations are measured. */
public enum Phase {
  /** The package source finds out what a tag means. */
  RESOLVE_TAG,
  /** The package source brings the package set to this machine, where it is not there yet. */
  CHECKOUT,
  /** Nix evaluates the packages. */
  EVALUATE,
  /** Nix builds or fetches them. */
  REALISE,
  /** Nix tells what they need to run. */
  CLOSURE,
  /** That is divided into layers. */
  PLAN,
  /** One layer is made. */
  PACK,
  /** One layer, or the documents of one image, go into the storage. */
  STORE;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
