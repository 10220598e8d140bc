package nixery.source.git;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretsTests {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "not authorized                       | not authorized",
        "user hunter2 is unknown              | user *** is unknown",
        "hunter2hunter2-longer                | ******",
        "http://a:b@h/p and https://t@h       | http://h/p and https://h",
        "HTTPS://a:b@h/p                      | HTTPS://h/p",
        "ssh://git@h/p                        | ssh://git@h/p",
      })
  void areTakenOutOfTexts(String text, String hidden) {
    Secrets secrets = new Secrets();
    secrets.add("hunter2");
    secrets.add("hunter2-longer");

    assertThat(secrets.hide(text)).isEqualTo(hidden);
  }

  @Test
  void makeOneLineOfMany() {
    assertThat(new Secrets().hide("one\n  two\r\nthree")).isEqualTo("one; two; three");
  }

  @Test
  void areTakenOutOfCausesAndWhatIsSuppressed() {
    Secrets secrets = new Secrets();
    secrets.add("hunter2");
    IOException suppressed = new IOException("at http://a:hunter2@h");
    IOException failure = new IOException("outer", new IllegalStateException("hunter2 refused"));
    failure.getCause().addSuppressed(suppressed);

    Throwable hidden = secrets.hide(failure);

    assertThat(CapturedLogs.text(hidden))
        .doesNotContain("hunter2")
        .contains("IllegalStateException: *** refused", "at http://h", "SecretsTests");
    assertThat(hidden.getStackTrace()).isEqualTo(failure.getStackTrace());
  }

  @Test
  void leaveExceptionsWithoutThemAlone() {
    Secrets secrets = new Secrets();
    secrets.add("hunter2");
    IOException failure = new IOException("outer", new IOException("inner"));

    assertThat(secrets.hide(failure)).isSameAs(failure);
  }
}
