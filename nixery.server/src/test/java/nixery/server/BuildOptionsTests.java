package nixery.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import nixery.api.ConfigurationException;
import nixery.image.Architecture;
import nixery.image.ImageConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the arguments of {@code nixery build} mean. */
final class BuildOptionsTests {

  private static BuildOptions parse(String... arguments) {
    return BuildOptions.parse(List.of(arguments));
  }

  @Test
  void aNameAndAFileAreEnough() {
    BuildOptions options = parse("shell/bashInteractive", "-o", "image.tar");
    assertThat(options.name()).isEqualTo("shell/bashInteractive");
    assertThat(options.tag()).isEqualTo("latest");
    assertThat(options.reference()).hasToString("shell/bashinteractive:latest");
    assertThat(options.output()).contains(Path.of("image.tar"));
    assertThat(options.isFolder()).isFalse();
    assertThat(options.config()).isEqualTo(ImageConfig.builder(Architecture.AMD64).build());
  }

  @Test
  void everythingCanBeSaid() {
    BuildOptions options =
        parse(
            "--output=-",
            "--tag",
            "v1",
            "--name=localhost:5000/tools/git:v2",
            "--entrypoint",
            "[\"git\", \"-c\", \"user.name=a b\"]",
            "--cmd=log  --oneline",
            "--env",
            "A=b=c",
            "--env=EMPTY=",
            "--label",
            "key=value",
            "--port=80",
            "--port=53/udp",
            "--workdir",
            "/src",
            "--user=1000:1000",
            "--created=2026-11-23T13:00:00+01:00",
            "git");
    assertThat(options.output()).isEmpty();
    assertThat(options.tag()).isEqualTo("v1");
    assertThat(options.reference()).hasToString("localhost:5000/tools/git:v2");
    ImageConfig config = options.config();
    assertThat(config.entrypoint()).containsExactly("git", "-c", "user.name=a b");
    assertThat(config.cmd()).containsExactly("log", "--oneline");
    assertThat(config.env()).containsEntry("A", "b=c").containsEntry("EMPTY", "");
    assertThat(config.labels()).containsOnlyKeys("key").containsEntry("key", "value");
    assertThat(config.ports()).containsExactly("53/udp", "80/tcp");
    assertThat(config.workdir()).contains("/src");
    assertThat(config.user()).contains("1000:1000");
    assertThat(config.created()).isEqualTo(Instant.parse("2026-11-23T12:00:00Z"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          -o x | say which image
          git | say where to write
          git -o | -o needs a value
          git jq -o x | join them with a slash
          git -o x --colour | no option --colour
          git -o x --format zip | choose oci-archive or oci-dir
          git -o - --format oci-dir | standard output
          git -o x --env A | --env needs a name and a value, as in A=value
          git -o x --env =a | not the name of a variable
          git -o x --label =a | no key
          git -o x --port 0 | not a port from 1 to 65535
          git -o x --port 80/http | not a port, as in 80
          git -o x --workdir src | not an absolute path
          git -o x --user a:b:c | not a user
          git -o x --created yesterday | not a time
          git -o x --created 1969-12-31T23:59:59Z | not from 1970 to 9999
          git -o x --cmd [1,] | not a JSON array
          git -o x --cmd [null] | not a JSON array
          git -o x --name Git | choose one with --name
          git//jq -o x | choose one with --name
          git -o x --tag a/b | choose one with --name
          """)
  void whatIsWrongIsSaidInOneSentence(String arguments, String message) {
    assertThatExceptionOfType(ConfigurationException.class)
        .isThrownBy(() -> parse(arguments.split(" ")))
        .withMessageContaining(message)
        .withMessageMatching("build: [^\n]*\\.");
  }
}
