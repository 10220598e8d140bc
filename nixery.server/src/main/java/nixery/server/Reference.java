package nixery.server;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.api.Plugin;
import nixery.api.Setting;

/** The configuration reference, made from the declarations of the settings. */
final class Reference {

  private Reference() {}

  /** Returns the text of {@code --help}. */
  static String help(Plugins plugins) {
    StringBuilder text =
        new StringBuilder(
            """
            Usage: nixery
                   nixery build NAME -o FILE [OPTION]...
                   nixery watch NAME[:TAG] [--server URL]
                   nixery help | --reference | --version

            Serves container images that it builds on demand with Nix, builds one into a file, or
            shows how a server builds one; nixery build --help and nixery watch --help say how. It is configured by environment variables:
            """);
    for (Section section : sections(plugins)) {
      text.append('\n').append(section.title).append('\n');
      for (Setting<?> setting : section.settings) {
        text.append("  %s\n      %s%n".formatted(setting.name(), setting.meaning()));
        text.append(
            "      %s; %s%n".formatted(setting.expectation(), section.presence(setting, "")));
      }
    }
    return text.toString();
  }

  /** Returns the same as a document. */
  static String markdown(Plugins plugins) {
    StringBuilder text = new StringBuilder();
    for (Section section : sections(plugins)) {
      text.append("### ").append(section.title).append("\n\n");
      text.append("| Variable | Meaning | Value | |\n|---|---|---|---|\n");
      for (Setting<?> setting : section.settings) {
        text.append(
            "| `%s` | %s | %s | %s |\n"
                .formatted(
                    setting.name(),
                    setting.meaning(),
                    setting.expectation(),
                    section.presence(setting, "`")));
      }
      text.append('\n');
    }
    return text.toString();
  }

  private record Section(String title, List<Setting<?>> settings, Optional<Setting<?>> selector) {

    /** Says what happens when the setting is not set, in Markdown or not. */
    String presence(Setting<?> setting, String quote) {
      if (selector.filter(setting::equals).isPresent()) {
        return "chooses this source";
      }
      return setting
          .defaultText()
          .map(value -> "default: " + quote + value + quote)
          .orElse(setting.isRequired() ? "required" : "optional");
    }
  }

  private static List<Section> sections(Plugins plugins) {
    return Stream.of(
            Stream.of(new Section("Server", ServerSettings.all(), Optional.empty())),
            plugins.storages().stream().map(plugin -> section("Storage", plugin, Optional.empty())),
            plugins.sources().stream()
                .map(plugin -> section("Package source", plugin, Optional.of(plugin.selector()))))
        .flatMap(sections -> sections)
        .toList();
  }

  private static Section section(String kind, Plugin plugin, Optional<Setting<?>> selector) {
    return new Section("%s `%s`".formatted(kind, plugin.name()), plugin.settings(), selector);
  }
}
