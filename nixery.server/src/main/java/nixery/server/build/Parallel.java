package nixery.server.build;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/** Does the same to many things at the same time. */
final class Parallel {

  private Parallel() {}

  /**
   * Returns the results in the order of the arguments, or throws what a call threw. However it
   * ends, no call is running any more: those that are left are interrupted and waited for.
   */
  static <T, V> List<V> map(Collection<T> arguments, Function<T, V> function) {
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<V>> futures =
          arguments.stream().map(each -> executor.submit(() -> function.apply(each))).toList();
      List<V> results = new ArrayList<>();
      try {
        for (Future<V> future : futures) {
          results.add(future.get());
        }
        return results;
      } catch (InterruptedException e) {
        executor.shutdownNow();
        Thread.currentThread().interrupt();
        throw new Failure(FailureCode.INTERRUPTED, Interruptible.STOPPING, e);
      } catch (ExecutionException e) {
        executor.shutdownNow();
        switch (e.getCause()) {
          case RuntimeException cause -> throw cause;
          case Error cause -> throw cause;
          case Throwable cause -> throw new Failure(FailureCode.INTERNAL, "unexpected", cause);
        }
      }
    }
  }
}
