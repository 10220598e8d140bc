package nixery.server.build;

import java.util.List;
import nixery.image.Digest;
import nixery.image.LayerPacker;
import nixery.image.Popularity;
import nixery.image.StorePath;
import tools.jackson.databind.json.JsonMapper;

/** The keys under which results are kept. Each covers everything that shapes the result. */
final class Keys {

  /** Changes with anything in this program that changes the bytes of images. */
  private static final int FORMAT = 1;

  private final List<Object> recipe;

  /** Makes the keys of images that are built with this popularity data. */
  Keys(BuildConfig config, Popularity popularity) {
    this.recipe =
        List.of(
            FORMAT,
            LayerPacker.FORMAT,
            config.layering().id(),
            config.layerBudget(),
            popularity.digest().hex(),
            config.image());
  }

  /** Returns the key of an image by its name in a revision of a package set. */
  Digest image(String source, String revision, ImageName name) {
    return key("revision", source, revision, name.toString(), recipe);
  }

  /** Returns the key of an image by what it is made of, in the order of precedence. */
  Digest image(ImageName name, List<String> outputs) {
    return key("outputs", name.architecture().name(), name.shell(), outputs, recipe);
  }

  /** Returns the key of the layer of links to these outputs. */
  static Digest links(List<StorePath> outputs) {
    return key(
        "links", FORMAT, LayerPacker.FORMAT, outputs.stream().map(StorePath::toString).toList());
  }

  /** Returns the key of what an attribute is in a revision of a package set. */
  static Digest attribute(String source, String revision, String system, String attribute) {
    return key("attribute", FORMAT, source, revision, system, attribute);
  }

  private static Digest key(Object... parts) {
    return Digest.of(JsonMapper.shared().writeValueAsBytes(List.of(parts)));
  }
}
