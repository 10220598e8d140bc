package nixery.server.metrics;

import java.util.Locale;

/** What a request asks for, without names. */
public enum Route {
  /** {@code /v2/}. */
  BASE,
  /** A manifest, which may have to be built first. */
  MANIFEST,
  /** A layer or config. */
  BLOB,
  /** The list of tags. */
  TAGS,
  /** What refers to a manifest. */
  REFERRERS,
  /** {@code /health/…}. */
  HEALTH,
  /** {@code /metrics}. */
  METRICS,
  /** A page for people, or what belongs to it. */
  PAGE,
  /** What goes on in a build, as long as somebody looks on. */
  EVENTS,
  /** A path that the server does not have, or a method that it does not offer. */
  OTHER,
  /** What is not proper HTTP, or more of it than is allowed. */
  MALFORMED;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
