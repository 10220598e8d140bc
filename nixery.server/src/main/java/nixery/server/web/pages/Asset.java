package nixery.server.web.pages;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import nixery.image.Digest;

/**
 * A file that pages refer to. Its address changes with its content, so that it can be kept forever.
 *
 * @param path where it is
 * @param type its media type
 * @param content not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // instances are not compared
record Asset(String path, String type, byte[] content) {

  static final Asset STYLE = load("pages.css", "text/css; charset=utf-8");
  static final Asset SCRIPT = load("pages.js", "text/javascript; charset=utf-8");
  static final Asset ICON = load("icon.svg", "image/svg+xml");

  private static Asset load(String name, String type) {
    // Other folders of a module belong to its packages, and are closed.
    try (InputStream in = Asset.class.getResourceAsStream("/META-INF/nixery/pages/" + name)) {
      byte[] content = in.readAllBytes();
      int dot = name.lastIndexOf('.');
      String version = Digest.of(content).hex().substring(0, 12);
      return new Asset(
          "/assets/" + name.substring(0, dot) + "-" + version + name.substring(dot), type, content);
    } catch (IOException e) {
      throw new UncheckedIOException("the file is part of this module", e);
    }
  }

  static Optional<Asset> find(String path) {
    return List.of(STYLE, SCRIPT, ICON).stream()
        .filter(asset -> asset.path.equals(path))
        .findFirst();
  }
}
