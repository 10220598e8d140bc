package nixery.server.build;

import java.util.function.Supplier;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.SourceException;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;
import nixery.api.storage.StorageException;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/** The one place where what plugins throw becomes a {@link Failure}. */
final class Translation {

  private Translation() {}

  static <V> V failures(Supplier<V> work) {
    try {
      return work.get();
    } catch (StorageException e) {
      throw new Failure(
          FailureCode.STORAGE_UNAVAILABLE, "the storage cannot be used now: try again later", e);
    } catch (SourceException e) {
      throw switch (e) {
        case UnknownTagException unknown ->
            new Failure(FailureCode.TAG_UNKNOWN, unknown.getMessage(), unknown);
        case InvalidPackageSetException invalid ->
            new Failure(FailureCode.TAG_UNKNOWN, invalid.getMessage(), invalid);
        case SourceUnavailableException unavailable ->
            new Failure(
                FailureCode.SOURCE_UNAVAILABLE,
                "the package source cannot be reached now: try again later",
                unavailable);
      };
    }
  }
}
