package nixery.server.failure;

/** Everything that can go wrong with a request. */
public enum FailureCode {
  /** The repository name is not one, or names no package. */
  NAME_INVALID(FailureKind.USER),
  /** What stands for tag or digest in a manifest's address is neither. */
  REFERENCE_INVALID(FailureKind.USER),
  /** The digest of a blob has another form than {@code sha256:<hex>}. */
  DIGEST_INVALID(FailureKind.USER),
  /** No such package, or an attribute that is no package. */
  PACKAGE_UNKNOWN(FailureKind.USER),
  /** The package source has no such tag, or what it has there is no package set. */
  TAG_UNKNOWN(FailureKind.USER),
  /** No manifest with that digest. */
  MANIFEST_UNKNOWN(FailureKind.USER),
  /** No blob with that digest. */
  BLOB_UNKNOWN(FailureKind.USER),
  /** Nix could not evaluate the package. */
  EVALUATION_FAILED(FailureKind.USER),
  /** Evaluation took longer than it may. */
  EVALUATION_TIMED_OUT(FailureKind.USER),
  /** Nix could not build the package. */
  BUILD_FAILED(FailureKind.USER),
  /** Building took longer than it may. */
  BUILD_TIMED_OUT(FailureKind.USER),
  /** A path that the registry does not have. */
  NOT_FOUND(FailureKind.USER),
  /** A method other than GET and HEAD. */
  METHOD_UNSUPPORTED(FailureKind.USER),
  /** Too many builds wait already. */
  OVERLOADED(FailureKind.EXTERNAL),
  /** The package source cannot be asked now. */
  SOURCE_UNAVAILABLE(FailureKind.EXTERNAL),
  /** The storage does not work now. */
  STORAGE_UNAVAILABLE(FailureKind.EXTERNAL),
  /** Nix itself does not work: not found, killed, out of space. */
  NIX_UNAVAILABLE(FailureKind.EXTERNAL),
  /** The server is stopping. */
  INTERRUPTED(FailureKind.EXTERNAL),
  /** A defect of this program. */
  INTERNAL(FailureKind.INTERNAL);

  private final FailureKind kind;

  FailureCode(FailureKind kind) {
    this.kind = kind;
  }

  /** Returns who can do something about it. */
  public FailureKind kind() {
    return kind;
  }
}
