package nixery.server.metrics;

import java.util.Locale;

/** What is looked up before it is made, from what saves most to what saves least. */
public enum Cache {
  /** An image by its name in a revision, in memory: a hit costs no call of the storage. */
  MEMORY,
  /** An image by its name in a revision of the package set: a hit costs no Nix process. */
  REVISION,
  /** The packages of a name in a revision: a hit costs no evaluation. */
  PACKAGES,
  /** An image by the outputs that it holds: a hit costs an evaluation at most. */
  OUTPUTS,
  /** One layer: a miss is packed. */
  LAYER;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
