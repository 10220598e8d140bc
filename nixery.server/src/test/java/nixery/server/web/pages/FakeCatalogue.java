package nixery.server.web.pages;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import nixery.server.build.Catalogue;
import nixery.server.build.ImageDetails;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/** A catalogue that is written by hand. */
final class FakeCatalogue implements Catalogue {

  final Map<String, Preview> previews = new ConcurrentHashMap<>();
  final Map<String, ImageDetails> images = new ConcurrentHashMap<>();
  final Map<String, Started> builds = new ConcurrentHashMap<>();

  @Override
  public Preview preview(String name, String tag) {
    return find(previews, name, tag);
  }

  @Override
  public Optional<ImageDetails> find(String name, String tag) {
    return Optional.ofNullable(images.get(name + ":" + tag));
  }

  @Override
  public Started start(String name, String tag) {
    return find(builds, name, tag);
  }

  private static <V> V find(Map<String, V> map, String name, String tag) {
    return Optional.ofNullable(map.get(name + ":" + tag))
        .orElseThrow(() -> new Failure(FailureCode.TAG_UNKNOWN, "no <tag> '" + tag + "'"));
  }
}
