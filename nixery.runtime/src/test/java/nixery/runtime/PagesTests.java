package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

/** The pages in a real browser, with real builds. */
final class PagesTests {

  private static final String SECONDS = "8";

  @TempDir static Path folder;

  private static TestServer server;
  private static Browser browser;

  @BeforeAll
  static void start() throws IOException {
    server =
        TestServer.start(
            folder,
            Map.of(
                "NIXERY_PKGS_PATH",
                TestServer.DEMO.resolve("fixtures.nix").toString(),
                "NIX_TIMEOUT",
                SECONDS));
    browser = Browser.open(server);
  }

  @AfterAll
  static void stop() {
    browser.close();
    server.close();
  }

  @AfterEach
  void nothingWasForbiddenOrWentWrong() {
    assertThat(browser.complaints()).isEmpty();
    browser.look("light", 1100);
  }

  private static void press(String selector) {
    browser.find(selector).click();
  }

  @Test
  void packagesThatAreTypedBecomeAnImage() throws IOException {
    browser.open("/");
    assertThat(browser.focused().getAttribute("id")).isEqualTo("packages");
    browser.focused().sendKeys("shell helo", Keys.ENTER);
    browser.await("the answer", () -> !browser.text("#result").isEmpty());
    assertThat(browser.text(".packages")).contains("helo is not there. Did you mean hello?");
    assertThat(browser.findAll(".command")).isEmpty();
    press(".packages a");
    browser.await("the command", () -> browser.text(".command").contains("docker pull"));
    assertThat(browser.text(".command"))
        .isEqualTo("docker pull 127.0.0.1:" + server.port() + "/shell/hello");
    assertThat(browser.find("#packages").getAttribute("value")).isEqualTo("shell hello");
    assertThat(browser.text(".copy")).isEqualTo("Copy");
    browser.screenshot("front");

    press("main form[method=post] button");
    browser.await("the end", () -> browser.text("[data-field=title]").equals("Done"));
    assertThat(browser.text(".steps")).contains("Store the image");
    press("main p a");
    browser.await("the image", () -> browser.text("caption").startsWith("Layers"));
    assertThat(browser.text("h1")).isEqualTo("shell/hello:latest");
    assertThat(browser.text(".layers")).contains("hello-2.10", "glibc-2.36", "links");
    browser.screenshot("image");
  }

  @Test
  void aBuildIsFollowedWithAndWithoutAScript() throws IOException {
    try (Browser plain = Browser.open(server)) {
      plain.disableScripts();
      plain.open("/?packages=slow");
      plain.find("main form[method=post] button").click();
      plain.await("the log", () -> plain.text("#log").contains("sleeping"));
      assertThat(plain.text("[data-field=title]")).isEqualTo("Build packages");
      assertThat(plain.findAll(".copy")).isEmpty();

      // Another one looks on.
      browser.open("/builds");
      assertThat(browser.text(".builds")).contains("slow:latest").contains("Build packages");
      press(".builds a");
      browser.await("the step", () -> browser.text(".steps .running").contains("0 of 1 built"));
      String elapsed = browser.text("[data-field=elapsed]");
      assertThat(browser.path()).isEqualTo(plain.path());
      // By the script alone: a mark on the page is still there.
      browser.run("document.body.dataset.mark = 'here'");
      browser.await("a second", () -> !browser.text("[data-field=elapsed]").equals(elapsed));
      assertThat(browser.run("return document.body.dataset.mark")).isEqualTo("here");
      browser.screenshot("build");
      browser.assertAccessible("a build that goes on");

      for (Browser each : List.of(browser, plain)) {
        each.await("the failure", () -> each.text("[data-field=title]").startsWith("Failed"));
        assertThat(each.text(".problem")).contains("took longer than " + SECONDS + " seconds");
        assertThat(each.text("#log")).contains("sleeping");
      }
      plain.open("/builds");
      assertThat(plain.text("section:last-of-type")).contains("slow:latest", "failed after");
    }
  }

  @Test
  void whatABuildPrintsIsText() throws IOException {
    browser.open("/?packages=failinginhtml");
    press("main form[method=post] button");
    browser.await("the failure", () -> browser.text("[data-field=title]").startsWith("Failed"));
    String line = "<script>document.title = 'owned'</script>";
    assertThat(browser.text("#log")).contains(line, "</pre><h1>owned</h1>");
    assertThat(browser.text("pre.problem")).contains(line).doesNotContain("/nix/store");
    assertThat(browser.title()).isEqualTo("failinginhtml:latest · Nixery");
    assertThat(browser.findAll("h1")).hasSize(1);
    assertThat(browser.findAll("main script, main img")).isEmpty();
    browser.screenshot("failure");
  }

  @Test
  void whatIsTypedIsText() {
    String typed = "\"><script>document.title='owned'</script>";
    browser.open("/");
    browser.find("#packages").sendKeys(typed, Keys.ENTER);
    browser.await("the answer", () -> !browser.text("#problem").isEmpty());
    assertThat(browser.find("#packages").getAttribute("value")).isEqualTo(typed);
    assertThat(browser.title()).isEqualTo("Images · Nixery");
    // The browser says that the answer has status 400.
    assertThat(browser.complaints()).hasSize(1).first().asString().contains("400");
  }

  @Test
  void theKeyboardIsEnough() {
    browser.open("/?packages=aFunction");
    List<String> visited = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      browser.focused().sendKeys(Keys.TAB);
      WebElement focused = browser.focused();
      String id = focused.getAttribute("id");
      visited.add(id.isEmpty() ? focused.getText() : id);
      assertThat(
              browser.run(
                  """
                  const style = getComputedStyle(document.activeElement);
                  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
                  """))
          .as("it shows that the focus is on %s", visited.getLast())
          .isEqualTo(true);
    }
    assertThat(visited)
        .containsExactly(
            "Skip to the content", "Nixery", "Images", "Builds", "packages", "tag", "arch", "Show");
  }

  @Test
  void everybodyCanReadThePages() throws IOException {
    server.pull("jq");
    server.pull("hello");
    assertThat(server.get("/v2/nosuchpackage/manifests/latest").statusCode()).isEqualTo(404);
    Map<String, String> pages =
        Map.of(
            "empty", "/",
            "ready", "/?packages=jq",
            "unbuilt", "/?packages=file",
            "missing", "/?packages=helo+throws+alist",
            "builds", "/builds",
            "image", "/images/jq");
    for (Map.Entry<String, Integer> look : Map.of("light", 1100, "dark", 360).entrySet()) {
      browser.look(look.getKey(), look.getValue());
      for (Map.Entry<String, String> page : pages.entrySet()) {
        browser.open(page.getValue());
        String name = page.getKey() + "-" + look.getKey();
        browser.screenshot(name);
        browser.assertAccessible(name);
        assertThat(browser.text("body")).doesNotContain(folder.toString());
      }
    }
  }
}
