package nixery.server.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import nixery.property.Property;
import nixery.property.Samples;
import org.junit.jupiter.api.Test;

final class RedactionTests {

  private final Redaction redaction = new Redaction(List.of("hunter2", "hunter22", "abc"));

  @Test
  void secretsAreHidden() {
    assertThat(redaction.apply("pass hunter22 and hunter2, abc"))
        .isEqualTo("pass [hidden] and [hidden], abc");
  }

  @Test
  void credentialsInAddressesAreHidden() {
    assertThat(redaction.apply("fetch https://user:pw@host/x and ssh://git@host/y @ http://h/a@b"))
        .isEqualTo("fetch https://[hidden]@host/x and ssh://[hidden]@host/y @ http://h/a@b");
  }

  @Test
  void noSecretIsLeft() {
    Property.holds(
        200,
        samples -> {
          String secret = samples.text(Samples.LETTERS, 4, 8);
          String shown =
              new Redaction(List.of(secret))
                  .apply(samples.text(0, 20) + secret + samples.text(0, 20));
          assertThat(shown.replace("[hidden]", "")).doesNotContain(secret);
        });
  }
}
