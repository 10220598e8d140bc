package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A short soak; {@code bench/soak} does it for as long as one likes. */
final class SoakTests {

  @Test
  void whatWasUsedIsGivenBack(@TempDir Path folder) throws Exception {
    Soak.Report report = Soak.run(TestServer.PROJECT, folder, Duration.ofSeconds(18));
    assertThat(report.isGood()).as("%s", report).isTrue();
    assertThat(report.done().values()).as("%s", report).allMatch(count -> count > 0);
  }
}
