package nixery.source.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import nixery.property.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImmutableLinkTests {

  private static final URI BASE = URI.create("https://channels.example/c/nixexprs.tar.xz");
  private static final String REVISION = "bbb4df715cb62e53cd329090c2b69eb07f2bddac";

  private static Optional<ImmutableLink> in(String... headers) {
    return ImmutableLink.in(List.of(headers), BASE);
  }

  @Test
  void readsWhatTheChannelsAnswer() {
    assertThat(
            in(
                "<https://releases.example/nixos-26.11/nixexprs.tar.xz?lastModified=1783760736&rev="
                    + REVISION
                    + ">; rel=\"immutable\""))
        .contains(
            new ImmutableLink(
                URI.create("https://releases.example/nixos-26.11/nixexprs.tar.xz"),
                Optional.of(REVISION)));
  }

  @Test
  void readsTheExampleOfTheManual() {
    assertThat(
            in(
                "<https://example.org/hello/442793d9ec0584f6a6e82fa253850c8085bb150a.tar.gz"
                    + "?rev=442793d9ec0584f6a6e82fa253850c8085bb150a&revCount=835"
                    + "&narHash=sha256-GUm8Uh/U74zFCwkvt9Mri4DSM%2BmHj3tYhXUkYpiv31M%3D>;"
                    + " rel=\"immutable\""))
        .contains(
            new ImmutableLink(
                URI.create(
                    "https://example.org/hello/442793d9ec0584f6a6e82fa253850c8085bb150a.tar.gz"),
                Optional.of("442793d9ec0584f6a6e82fa253850c8085bb150a")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<https://r.example/a.tar.xz>; rel=immutable | https://r.example/a.tar.xz",
        "<https://r.example/a.tar.xz>;REL=\"Immutable\" | https://r.example/a.tar.xz",
        "<a.tar.xz>; rel=\"immutable\" | https://channels.example/c/a.tar.xz",
        "<tarball+https://r.example/a>; rel=\"immutable\" | https://r.example/a",
        "<https://r.example/a?token=1&revCount=2>; rel=\"immutable\" | https://r.example/a?token=1",
        "<https://r.example/a>; title=\"x, <y>; rel=z\"; rel=\"self immutable\" | https://r.example/a",
        "</p>; rel=\"prev\", <https://r.example/a>; rel=\"immutable\" | https://r.example/a"
      })
  void readsOtherFormsOfTheHeader(String header, String tarball) {
    assertThat(in(header)).map(ImmutableLink::tarball).contains(URI.create(tarball));
    assertThat(in("<x>; rel=\"next\"", header)).isEqualTo(in(header));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "<>",
        "<https://r.example/a>",
        "<https://r.example/a>; rel=\"canonical\"",
        "<https://r.example/a>; rel=\"next\"; rel=\"immutable\"",
        "<https://r.example/a>; title=\"; rel=immutable\"",
        "https://r.example/a; rel=\"immutable\"",
        "<file:///etc/passwd>; rel=\"immutable\"",
        "<git+https://r.example/a>; rel=\"immutable\"",
        "<https://r.example/ a>; rel=\"immutable\"",
        "<mailto:a@b>; rel=\"immutable\""
      })
  void findsNoLinkWhereThereIsNone(String header) {
    assertThat(in(header)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "rev", "rev=", "rev=abc", "rev=../../../../etc", "Rev=x", "xrev=1"})
  void takesNothingElseForARevision(String query) {
    assertThat(in("<https://r.example/a?" + query + ">; rel=\"immutable\""))
        .hasValueSatisfying(link -> assertThat(link.revision()).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {",", ";", "\"", "\"\"", "<", "<>;", ";=", "\\\"", "<a>;rel=", "a,"})
  void bearsALot(String part) {
    String link = "<https://r.example/a>; rel=immutable";
    for (int count : new int[] {100, 1000, 100_000}) {
      String much = part.repeat(count);
      assertThat(in("<x>" + much, "<x>;a=\"" + much, much, link)).isPresent();
    }
  }

  @Test
  void bearsAnything() {
    Property.holds(
        1000,
        samples -> {
          String header = samples.text();
          assertThat(in(header, "<" + header + ">; rel=\"immutable\"").stream())
              .allSatisfy(link -> assertThat(Http.isHttp(link.tarball())).isTrue());
        });
  }
}
