package nixery.server.build;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.image.Digest;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Cache;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Phase;
import nixery.server.nix.Nix;
import nixery.server.nix.Resolved;

/**
 * From the attributes that a name asks for to packages. What an attribute is in a revision of a
 * package set is found out once and kept in the storage; Nix runs only for those not seen before.
 */
final class PackageResolver {

  /** What every image gets, where the package set has it. */
  private static final List<String> BASE = List.of("cacert", "iana-etc");

  private final PackageSource source;
  private final Nix nix;
  private final ImageStore store;
  private final Metrics metrics;

  PackageResolver(PackageSource source, Nix nix, ImageStore store, Metrics metrics) {
    this.source = source;
    this.nix = nix;
    this.store = store;
    this.metrics = metrics;
  }

  /**
   * Returns the packages of an image in their order of precedence: where two have a file of one
   * name, the first wins.
   *
   * @throws Failure if one is not found, is no package, or cannot be evaluated
   */
  List<Resolved.Found> resolve(ImageName name, ResolvedTag tag) throws InterruptedException {
    return sorted(name, look(name, tag));
  }

  /** Says what each attribute of an image is; those that there need not be are left out. */
  SortedMap<String, Resolved> look(ImageName name, ResolvedTag tag) throws InterruptedException {
    SortedSet<String> attributes = attributes(name);
    SortedMap<String, Resolved> resolved = lookUp(attributes, name, tag);
    SortedSet<String> unseen = new TreeSet<>(attributes);
    unseen.removeAll(resolved.keySet());
    if (unseen.isEmpty()) {
      metrics.hit(Cache.PACKAGES);
    } else {
      if (tag.revision().isPresent()) {
        metrics.missed(Cache.PACKAGES);
      }
      resolved.putAll(evaluate(unseen, name, tag));
    }
    return present(name, resolved);
  }

  private static SortedSet<String> attributes(ImageName name) {
    SortedSet<String> attributes = new TreeSet<>(name.attributes());
    attributes.addAll(BASE);
    return attributes;
  }

  private static SortedMap<String, Resolved> present(
      ImageName name, SortedMap<String, Resolved> resolved) {
    SortedSet<String> wanted = name.attributes();
    TreeMap<String, Resolved> present = new TreeMap<>(resolved);
    BASE.stream()
        .filter(base -> !wanted.contains(base))
        .filter(base -> resolved.get(base) instanceof Resolved.Unknown)
        .forEach(present::remove);
    return present;
  }

  /** Returns the packages in their order of precedence, if that is what all of them are. */
  static Optional<List<Resolved.Found>> inOrder(
      ImageName name, SortedMap<String, Resolved> present) {
    return present.values().stream().allMatch(each -> each instanceof Resolved.Found)
        ? Optional.of(sorted(name, present))
        : Optional.empty();
  }

  private static List<Resolved.Found> sorted(ImageName name, SortedMap<String, Resolved> present) {
    check(present);
    SortedSet<String> wanted = name.attributes();
    return present.entrySet().stream()
        .sorted(
            Comparator.comparing(
                    (Map.Entry<String, Resolved> each) -> !wanted.contains(each.getKey()))
                .thenComparing(Map.Entry::getKey))
        .map(each -> (Resolved.Found) each.getValue())
        .toList();
  }

  /**
   * Returns packages whose derivations are in the store: these, or the same evaluated again where
   * another server, or this one before garbage was collected, had seen them.
   */
  List<Resolved.Found> realisable(List<Resolved.Found> packages, ImageName name, ResolvedTag tag)
      throws InterruptedException {
    return hasDerivations(packages)
        ? packages
        : sorted(name, present(name, evaluate(attributes(name), name, tag)));
  }

  /** Tells whether the derivations of packages are in the store. */
  boolean hasDerivations(List<Resolved.Found> packages) {
    return packages.stream().allMatch(nix::hasDerivation);
  }

  private SortedMap<String, Resolved> evaluate(
      SortedSet<String> attributes, ImageName name, ResolvedTag tag) throws InterruptedException {
    SortedMap<String, Resolved> resolved;
    try (PackageSet set = metrics.time(Phase.CHECKOUT, () -> source.checkout(tag))) {
      String system = name.architecture().nixSystem();
      resolved =
          metrics.time(
              Phase.EVALUATE, () -> nix.resolve(set.path(), system, attributes).packages());
    }
    tag.revision().ifPresent(revision -> resolved.forEach((a, r) -> keep(revision, name, a, r)));
    return resolved;
  }

  private Digest key(String revision, ImageName name, String attribute) {
    return Keys.attribute(source.identity(), revision, name.architecture().nixSystem(), attribute);
  }

  /** Keeps what can be relied on: packages, and which of the base packages there are not. */
  private void keep(String revision, ImageName name, String attribute, Resolved resolved) {
    Digest key = key(revision, name, attribute);
    switch (resolved) {
      case Resolved.Found found -> store.savePackage(key, found);
      case Resolved.Unknown _ when BASE.contains(attribute) -> store.saveNoPackage(key);
      case Resolved.Unknown _ -> {}
      case Resolved.NotAPackage _ -> {}
      case Resolved.Broken _ -> {}
    }
  }

  private SortedMap<String, Resolved> lookUp(
      SortedSet<String> attributes, ImageName name, ResolvedTag tag) {
    SortedMap<String, Resolved> known = new TreeMap<>();
    if (tag.revision().isPresent()) {
      String revision = tag.revision().get();
      List<String> names = List.copyOf(attributes);
      List<Optional<Resolved>> seen =
          Parallel.map(names, attribute -> store.findPackage(key(revision, name, attribute)));
      for (int i = 0; i < names.size(); i++) {
        if (seen.get(i).isPresent()) {
          known.put(names.get(i), seen.get(i).get());
        }
      }
    }
    return known;
  }

  private static void check(SortedMap<String, Resolved> resolved) {
    List<String> missing = new ArrayList<>();
    List<String> broken = new ArrayList<>();
    resolved.forEach((name, answer) -> {
      switch (answer) {
        case Resolved.Found found -> {}
        case Resolved.Unknown unknown ->
            missing.add("no package '%s'%s".formatted(name, hint(unknown)));
        case Resolved.NotAPackage other ->
            missing.add("'%s' is %s, not a package".formatted(name, other.what()));
        case Resolved.Broken failed ->
            broken.add("'%s' cannot be evaluated: %s".formatted(name, failed.message()));
      }
    });
    if (!missing.isEmpty()) {
      throw new Failure(FailureCode.PACKAGE_UNKNOWN, String.join("; ", missing));
    }
    if (!broken.isEmpty()) {
      throw new Failure(FailureCode.EVALUATION_FAILED, String.join("\n", broken));
    }
  }

  private static String hint(Resolved.Unknown unknown) {
    return unknown.nearMatches().isEmpty()
        ? ""
        : " (similar: " + String.join(", ", unknown.nearMatches()) + ")";
  }
}
