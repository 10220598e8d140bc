package nixery.server.build;

import java.util.List;
import nixery.image.Digest;
import nixery.image.Layer;
import nixery.image.LayerPacker;
import nixery.image.Popularity;
import nixery.image.StorePath;
import tools.jackson.databind.json.JsonMapper;

/** The keys under which results are kept. Each covers everything that shapes the result. */
final class Keys {

  /** Changes with anything in this program that changes the bytes of images. */
  private static final int FORMAT = 1;

  private final LayerPacker packer;
  private final List<Object> recipe;

  Keys(BuildConfig config, LayerPacker packer) {
    this.packer = packer;
    this.recipe =
        List.of(
            FORMAT, packer.family(), config.layering().id(), config.layerBudget(), config.image());
  }

  /** Returns the key of an image by its name in a revision of a package set. */
  Digest image(String source, String revision, ImageName name, Popularity popularity) {
    return key("revision", source, revision, name.toString(), recipe, popularity.digest().hex());
  }

  /** Returns the key of an image by what it is made of, in the order of precedence. */
  Digest image(ImageName name, List<String> outputs, Popularity popularity) {
    return key(
        "outputs",
        name.architecture().name(),
        name.shell(),
        outputs,
        recipe,
        popularity.digest().hex());
  }

  /** Returns the keys of a layer. */
  LayerKeys layer(Layer layer) {
    return new LayerKeys(layer.id(packer.format()), layer.id(packer.family()));
  }

  /** Returns the keys of the layer of links to these outputs. */
  LayerKeys links(List<StorePath> outputs) {
    List<String> paths = outputs.stream().map(StorePath::toString).toList();
    return new LayerKeys(
        key("links", FORMAT, packer.format(), paths), key("links", FORMAT, packer.family(), paths));
  }

  /** Returns the key of what an attribute is in a revision of a package set. */
  static Digest attribute(String source, String revision, String system, String attribute) {
    return key("attribute", FORMAT, source, revision, system, attribute);
  }

  private static Digest key(Object... parts) {
    return Digest.of(JsonMapper.shared().writeValueAsBytes(List.of(parts)));
  }
}
