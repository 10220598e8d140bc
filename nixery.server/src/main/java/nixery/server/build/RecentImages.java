package nixery.server.build;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The images that were served lately. Thread-safe. */
final class RecentImages {

  private static final int MAX_IMAGES = 100;

  record Key(ImageName name, String tag) {}

  /** The one that was not served for the longest time comes first. */
  private final Map<Key, Image> images = new LinkedHashMap<>(16, 0.75f, true);

  synchronized void served(ImageName name, String tag, Image image) {
    if (images.put(new Key(name, tag), image) == null && images.size() > MAX_IMAGES) {
      images.remove(images.keySet().iterator().next());
    }
  }

  synchronized Optional<Image> find(ImageName name, String tag) {
    return Optional.ofNullable(images.get(new Key(name, tag)));
  }

  synchronized List<Map.Entry<Key, Image>> all() {
    return images.entrySet().stream()
        .map(entry -> Map.entry(entry.getKey(), entry.getValue()))
        .toList();
  }
}
