package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
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

  /** Sends somebody who then waits for the flight. */
  private FutureTask<Integer> passenger() throws InterruptedException {
    FutureTask<Integer> passenger = new FutureTask<>(() -> flights.get("key", this::fly));
    Thread thread = Thread.startVirtualThread(passenger);
    while (thread.getState() != Thread.State.WAITING) {
      Thread.sleep(1);
    }
    return passenger;
  }

  @Test
  void whoIsOnBoardArrivesAndNobodyElseDeparts() throws Exception {
    assertThat(flights.isIdle()).isTrue();
    FutureTask<Integer> passenger = passenger();
    flights.close();
    assertThat(flights.isIdle()).isFalse();
    assertThatThrownBy(() -> flights.get("other", this::fly))
        .isInstanceOfSatisfying(
            Failure.class,
            failure -> assertThat(failure.code()).isEqualTo(FailureCode.INTERRUPTED));
    assertThat(flown).hasValue(1);
    landing.countDown();
    assertThat(passenger.get()).isEqualTo(1);
    assertThat(flights.isIdle()).isTrue();
  }

  @Test
  void allShareOneFlight() throws InterruptedException, ExecutionException {
    List<FutureTask<Integer>> passengers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      passengers.add(passenger());
    }
    landing.countDown();
    for (FutureTask<Integer> passenger : passengers) {
      assertThat(passenger.get()).isEqualTo(1);
    }
    assertThat(flights.get("key", () -> 7)).as("the next one flies anew").isEqualTo(7);
  }

  @Test
  void whoLeavesDoesNotStopIt() throws InterruptedException, ExecutionException {
    FutureTask<Integer> first = passenger();
    FutureTask<Integer> second = passenger();
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
