package nixery.source.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RepositoryAddressTests {

  @ParameterizedTest
  @CsvSource({
    "https://Example.org/a/b.git, https://example.org/a/b.git",
    "HTTPS://example.org:443/a/b.git/, https://example.org/a/b.git",
    "http://example.org:8080/a, http://example.org:8080/a",
    "https://ada:pass@example.org/a, https://example.org/a",
    "https://t0ken@example.org/a, https://example.org/a",
    "https://ada:p%40ss@example.org/a, https://example.org/a",
    "ssh://git@example.org:22/a.git, ssh://git@example.org/a.git",
    "ssh://git:pass@example.org:2222/a.git, ssh://git@example.org:2222/a.git",
    "ssh://example.org/~ada/a, ssh://example.org/~ada/a",
    "git@Example.org:a/b.git, git@example.org:a/b.git",
    "git@example.org:/srv/a.git, ssh://git@example.org/srv/a.git",
    "/srv/a/../b.git/, file:///srv/b.git",
    "file:///srv/b.git, file:///srv/b.git",
  })
  void isShownNormalisedAndWithoutCredentials(String text, String shown) {
    RepositoryAddress address = RepositoryAddress.parse(text);

    assertThat(address).hasToString(shown);
    assertThat(RepositoryAddress.parse(shown)).hasToString(shown);
    assertThat(address.secrets()).noneMatch(shown::contains);
    assertThat(address.withoutCredentials().toPrivateString())
        .doesNotContain("pass", "t0ken", "p%40ss", "p@ss");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "ftp://example.org/a",
        "ext::sh -c true",
        "git://example.org/a",
        "amazon-s3://.x@bucket/a",
        "https:///a",
        "https://-oProxyCommand=true/a",
        "-oProxyCommand=true:a",
        "https://example.org/a?private_token=secret",
        "https://example.org/a#secret",
        "https://example.org/a\nhost=other",
        "https://example.org/a%0ahost=other",
        "https://ada%0ahost=other@example.org/a",
      })
  void refusesWhatIsNoSuchAddressWithoutRepeatingIt(String text) {
    assertThatThrownBy(() -> RepositoryAddress.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContainingAny("secret", "other", "true");
  }

  @ParameterizedTest
  @CsvSource({
    "https://example.org/a/b.git, ../c.git, https://example.org/a/c.git",
    "https://example.org/a/b.git, ../../c.git, https://example.org/c.git",
    "https://example.org/a/b.git, ./c.git, https://example.org/a/b.git/c.git",
    "https://ada:pass@example.org/a/b.git, ../c.git, https://example.org/a/c.git",
    "git@example.org:b.git, ../c.git, git@example.org:c.git",
    "git@example.org:a/b.git, ../c.git, git@example.org:a/c.git",
    "/srv/a/b, ../c, file:///srv/a/c",
    "https://example.org/a, https://other.org/c, https://other.org/c",
    "https://example.org/a, git@other.org:c, git@other.org:c",
    "/srv/a, /srv/c, file:///srv/c",
  })
  void findsSubmodules(String parent, String address, String shown) {
    assertThat(RepositoryAddress.parse(parent).submodule(address)).hasToString(shown);
  }

  @Test
  void passesItsCredentialsToRelativeSubmodulesOnly() {
    RepositoryAddress parent = RepositoryAddress.parse("https://ada:pass@example.org/a/b");

    assertThat(parent.submodule("../c").password()).contains("pass");
    assertThat(parent.submodule("https://example.org/a/c").password()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "https://example.org/a, /etc",
    "https://example.org/a, file:///etc",
    "https://example.org/a, ../../../etc",
    "https://example.org/a, -oProxyCommand=true",
    "https://example.org/a, ext::sh",
    "git@example.org:a, ../../etc",
  })
  void refusesSubmodulesThatLeadToTheServersOwnFilesOrNowhere(String parent, String address) {
    assertThatThrownBy(() -> RepositoryAddress.parse(parent).submodule(address))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
