package nixery.deploy;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes {@code deploy/manifests.yaml}: what the chart renders by itself, for {@code kubectl
 * apply}.
 */
final class Manifests {

  private static final String HEADER =
      """
      # The chart in deploy/chart with its default values, for those without Helm. Made by deploy/render;
      # what may be changed and why: docs/kubernetes.md.
      """;

  private Manifests() {}

  /** Returns what renders the chart. */
  static TemplateCommand chart() {
    return new Helm(Path.of("chart"))
        .template()
        .withName("nixery")
        .withNamespace("nixery")
        .withKubeVersion("1.32.0");
  }

  static String render() {
    return HEADER + chart().call().strip().replaceAll("(?m)[ \t]+$", "") + "\n";
  }

  /** Writes the file, from the folder {@code deploy}. */
  public static void main(String[] arguments) throws IOException {
    Files.writeString(Path.of("manifests.yaml"), render());
  }
}
