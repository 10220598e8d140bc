package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import org.openqa.selenium.By;
import org.openqa.selenium.JavascriptExecutor;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** Chromium, looking at the pages of one server. */
final class Browser implements AutoCloseable {

  private static final Path SCREENSHOTS =
      TestServer.PROJECT.resolve("nixery.runtime/target/screenshots");
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final String AXE = "/META-INF/resources/webjars/axe-core/4.6.3/axe.min.js";

  private final ChromeDriver driver;
  private final String server;

  private Browser(ChromeDriver driver, String server) {
    this.driver = driver;
    this.server = server;
  }

  static Browser open(TestServer server) {
    ChromeOptions options = new ChromeOptions();
    options.setBinary(command("chromium"));
    options.addArguments(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--window-size=1100,900");
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    options.setCapability("goog:loggingPrefs", logs);
    ChromeDriverService service =
        new ChromeDriverService.Builder()
            .usingDriverExecutable(new File(command("chromedriver")))
            .build();
    return new Browser(new ChromeDriver(service, options), "http://127.0.0.1:" + server.port());
  }

  private static String command(String name) {
    return Shell.run("sh", "-c", "command -v " + name).strip();
  }

  /** Takes scripts away from the pages that are opened from now on. */
  void disableScripts() {
    driver.executeCdpCommand("Emulation.setScriptExecutionDisabled", Map.of("value", true));
  }

  void look(String scheme, int width) {
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", false));
  }

  void open(String path) {
    driver.get(server + path);
  }

  String path() {
    return driver.getCurrentUrl().substring(server.length());
  }

  String title() {
    return driver.getTitle();
  }

  WebElement find(String selector) {
    return driver.findElement(By.cssSelector(selector));
  }

  List<WebElement> findAll(String selector) {
    return driver.findElements(By.cssSelector(selector));
  }

  WebElement focused() {
    return driver.switchTo().activeElement();
  }

  /** Returns what is shown, or nothing while the page is exchanged for another. */
  String text(String selector) {
    try {
      List<WebElement> elements = findAll(selector);
      return elements.isEmpty() ? "" : elements.getFirst().getText();
    } catch (StaleElementReferenceException e) {
      return "";
    }
  }

  Object run(String script, Object... arguments) {
    return ((JavascriptExecutor) driver).executeScript(script, arguments);
  }

  void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError(what + " does not come; there is " + text("body"));
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Keeps a picture of the page for people to look at. */
  void screenshot(String name) throws IOException {
    Files.createDirectories(SCREENSHOTS);
    Files.write(SCREENSHOTS.resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
  }

  /** Asserts that axe finds nothing, and that the page does not need to be moved sideways. */
  void assertAccessible(String name) throws IOException {
    try (var axe = Browser.class.getResourceAsStream(AXE)) {
      assertThat(axe).as("axe-core is on the class path").isNotNull();
      run(Pull.text(axe.readAllBytes()));
    }
    Object violations =
        ((JavascriptExecutor) driver)
            .executeAsyncScript(
                """
                const done = arguments[arguments.length - 1];
                axe.run().then(
                    result => done(result.violations.map(
                        v => v.id + ': ' + v.help + ' ' + v.nodes.map(n => n.html).join(' '))),
                    error => done([String(error)]));
                """);
    assertThat((List<?>) violations).as(name).isEmpty();
    assertThat(run("return document.documentElement.scrollWidth <= window.innerWidth"))
        .as("%s fits", name)
        .isEqualTo(true);
  }

  /** Returns what scripts and policies have complained about. */
  List<String> complaints() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
        .map(LogEntry::getMessage)
        // That is axe, which compares colours.
        .filter(message -> !message.contains("Canvas2D"))
        .toList();
  }

  @Override
  public void close() {
    driver.quit();
  }
}
