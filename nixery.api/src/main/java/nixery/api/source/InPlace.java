package nixery.api.source;

import java.nio.file.Path;

/** A package set that is there whether it is used or not. */
record InPlace(Path path) implements PackageSet {

  @Override
  public void close() {}
}
