package nixery.server.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.StringLength;
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

  @Property(tries = 200)
  void noSecretIsLeft(
      @ForAll @AlphaChars @StringLength(min = 4, max = 8) String secret,
      @ForAll @StringLength(max = 20) String before,
      @ForAll @StringLength(max = 20) String after) {
    String shown = new Redaction(List.of(secret)).apply(before + secret + after);
    assertThat(shown.replace("[hidden]", "")).doesNotContain(secret);
  }
}
