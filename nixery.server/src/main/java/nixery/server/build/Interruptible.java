package nixery.server.build;

import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/**
 * Work that ends early when its thread is interrupted, which happens when the server stops or when
 * work at its side has failed.
 */
interface Interruptible<V> {

  String STOPPING = "the server is stopping: try again later";

  V get() throws InterruptedException;

  /** Does the work; if it is interrupted, it fails, and the thread stays interrupted. */
  static <V> V run(Interruptible<V> work) {
    try {
      return work.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure(FailureCode.INTERRUPTED, STOPPING, e);
    }
  }
}
