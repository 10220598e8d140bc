package nixery.server.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.ErrorManager;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines come whole and in order, however many write them. */
@Timeout(60)
final class LineHandlerTests {

  @Test
  void aLineIsWrittenWhenNobodyElseWrites() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    LineHandler handler = new LineHandler(out, LogFormat.TEXT);
    handler.publish(new LogRecord(Level.INFO, "hello"));
    assertThat(out.toString(StandardCharsets.UTF_8)).endsWith(" hello" + System.lineSeparator());
  }

  @ParameterizedTest
  @ValueSource(classes = {OutOfMemoryError.class, IllegalStateException.class})
  void aStreamThatFailsOnceIsWrittenToAgain(Class<? extends Throwable> failure) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    AtomicInteger writes = new AtomicInteger();
    OutputStream failing =
        new OutputStream() {
          @Override
          public void write(int b) {
            throw new AssertionError("byte by byte");
          }

          @Override
          public void write(byte[] bytes, int offset, int length) {
            if (writes.getAndIncrement() > 0) {
              out.write(bytes, offset, length);
            } else if (failure == OutOfMemoryError.class) {
              throw new OutOfMemoryError("as a test");
            } else {
              throw new IllegalStateException("as a test");
            }
          }
        };
    LineHandler handler = new LineHandler(failing, LogFormat.TEXT);
    handler.setErrorManager(
        new ErrorManager() {
          @Override
          public void error(String message, Exception e, int code) {
            assertThat(e).isInstanceOf(failure);
          }
        });
    Throwable thrown = catchThrowable(() -> handler.publish(new LogRecord(Level.INFO, "first")));
    assertThat(thrown instanceof Error).isEqualTo(failure == OutOfMemoryError.class);
    handler.publish(new LogRecord(Level.INFO, "second"));
    assertThat(out.toString(StandardCharsets.UTF_8)).endsWith(" second" + System.lineSeparator());
  }

  @Test
  void linesOfManyThreadsComeWholeAndInOrder() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    AtomicInteger writing = new AtomicInteger();
    OutputStream slow =
        new OutputStream() {
          @Override
          public void write(int b) {
            throw new AssertionError("byte by byte");
          }

          @Override
          public void write(byte[] bytes, int offset, int length) {
            assertThat(writing.incrementAndGet()).as("writers at a time").isEqualTo(1);
            Thread.onSpinWait();
            out.write(bytes, offset, length);
            writing.decrementAndGet();
          }
        };
    LineHandler handler = new LineHandler(slow, LogFormat.TEXT);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int thread = 0; thread < 8; thread++) {
        String name = " thread" + thread + " ";
        threads.execute(() ->
            IntStream.range(0, 1000)
                .forEach(i -> handler.publish(new LogRecord(Level.INFO, name + i))));
      }
    }
    List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
    assertThat(lines).hasSize(8000);
    for (int thread = 0; thread < 8; thread++) {
      String name = " thread" + thread + " ";
      assertThat(
              lines.stream()
                  .filter(line -> line.contains(name))
                  .map(line -> Integer.valueOf(line.substring(line.lastIndexOf(' ') + 1))))
          .containsExactlyElementsOf(IntStream.range(0, 1000).boxed().toList());
    }
  }
}
