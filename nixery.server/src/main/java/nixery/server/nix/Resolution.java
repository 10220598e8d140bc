package nixery.server.nix;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a package set has under each name that was asked for.
 *
 * @param packages the answers by name
 */
public record Resolution(SortedMap<String, Resolved> packages) {

  /** Copies the map. */
  public Resolution {
    packages = Collections.unmodifiableSortedMap(new TreeMap<>(packages));
  }
}
