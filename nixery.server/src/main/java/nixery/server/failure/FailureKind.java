package nixery.server.failure;

/** Who can do something about a failure. */
public enum FailureKind {
  /** The client: it asked for something that is not there or cannot be built. */
  USER,
  /** Whoever runs what this server depends on: the storage, the package source, Nix itself. */
  EXTERNAL,
  /** The authors of this program. */
  INTERNAL
}
