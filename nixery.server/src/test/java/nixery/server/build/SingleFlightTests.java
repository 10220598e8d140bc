package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class SingleFlightTests {

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final SingleFlight<String, Integer> flights =
      new SingleFlight<>(threads, Duration.ofMillis(500));
  private final AtomicInteger flown = new AtomicInteger();
  private final CountDownLatch landing = new CountDownLatch(1);

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  private int fly() {
    int number = flown.incrementAndGet();
    return Interruptible.run(() -> {
      landing.await();
      return number;
    });
  }

  private void awaitTakeOff() throws InterruptedException {
    while (flown.get() == 0) {
      Thread.sleep(1);
    }
  }

  @Test
  void allShareOneFlight() throws InterruptedException, ExecutionException {
    List<Future<Integer>> passengers =
        IntStream.range(0, 20)
            .mapToObj(i -> threads.submit(() -> flights.get("key", this::fly)))
            .toList();
    awaitTakeOff();
    Thread.sleep(50);
    landing.countDown();
    for (Future<Integer> passenger : passengers) {
      assertThat(passenger.get()).isEqualTo(1);
    }
    assertThat(flights.get("key", () -> 7)).as("the next one flies anew").isEqualTo(7);
  }

  @Test
  void whoLeavesDoesNotStopIt() throws InterruptedException, ExecutionException {
    Future<Integer> first = threads.submit(() -> flights.get("key", this::fly));
    awaitTakeOff();
    Future<Integer> second = threads.submit(() -> flights.get("key", this::fly));
    first.cancel(true);
    landing.countDown();
    assertThat(second.get()).isEqualTo(1);
  }

  private int fail(FailureCode code) {
    flown.incrementAndGet();
    throw new Failure(code, "why");
  }

  @Test
  void theClientsFailuresAreToldForAMomentLonger() throws InterruptedException {
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> flights.get("key", () -> fail(FailureCode.BUILD_FAILED)))
          .isInstanceOfSatisfying(
              Failure.class,
              failure -> assertThat(failure.code()).isEqualTo(FailureCode.BUILD_FAILED))
          .hasMessage("why");
    }
    assertThat(flown).hasValue(1);
    Thread.sleep(1000);
    assertThat(flights.get("key", () -> 1)).isEqualTo(1);
  }

  @Test
  void otherFailuresAreNotKept() {
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> flights.get("key", () -> fail(FailureCode.STORAGE_UNAVAILABLE)))
          .isInstanceOf(Failure.class);
    }
    assertThat(flown).hasValue(2);
  }

  @Test
  void defectsAreInternalFailures() {
    assertThatThrownBy(() ->
            flights.get(
                "key",
                () -> {
                  throw new StackOverflowError();
                }))
        .isInstanceOfSatisfying(
            Failure.class, failure -> assertThat(failure.code()).isEqualTo(FailureCode.INTERNAL))
        .hasCauseInstanceOf(StackOverflowError.class);
  }
}
