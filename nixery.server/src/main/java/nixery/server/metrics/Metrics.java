package nixery.server.metrics;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/**
 * Everything that the server measures about itself, with one method for each event. No label has
 * names of images, tags or packages: how many time series there are does not depend on what clients
 * ask for. Instances know nothing of each other. Thread-safe.
 */
public final class Metrics {

  /** Bounds in seconds: from an answer out of memory to a long build. */
  private static final double[] SECONDS = {
    .001, .005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900
  };

  private static final String HIT = "hit";
  private static final String MISS = "miss";

  private static final ScopedValue<PhaseListener> LISTENER = ScopedValue.newInstance();

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final ExpositionFormats formats = ExpositionFormats.init();

  private final Counter builds =
      counter("nixery_builds", "Images that were not found by their revision", "outcome", "code");
  private final Histogram phases =
      seconds("nixery_phase_duration", "How long the phases of making images take", "phase");
  private final Counter lookups =
      counter(
          "nixery_cache_lookups", "Lookups of what may have been made before", "cache", "result");
  private final Counter popularityLoads =
      counter("nixery_popularity_loads", "Times that popularity data were looked for", "outcome");
  private final Counter packedLayers = counter("nixery_layers_packed", "Layers that were packed");
  private final Counter packedBytes =
      counter("nixery_layers_packed_bytes", "Compressed size of the layers that were packed");
  private final Counter warnings =
      counter("nixery_source_warnings", "Tags that were resolved to what may be outdated");
  private final Histogram storageCalls =
      seconds("nixery_storage_call_duration", "How long calls of the storage take", "operation");
  private final Counter storageFailures =
      counter("nixery_storage_failures", "Calls of the storage that failed", "operation");
  private final Counter requests =
      counter("nixery_http_requests", "Requests by what came of them", "route", "status");
  private final Histogram requestSeconds =
      seconds("nixery_http_request_duration", "How long requests take", "route");

  /**
   * Creates one in which nothing has happened yet.
   *
   * @param version of the server
   */
  public Metrics(String version) {
    Info.builder()
        .name("nixery_build_info")
        .help("What runs here")
        .labelNames("version", "java_version")
        .register(registry)
        .setLabelValues(version, Runtime.version().toString());
    ProcessMetrics.register(registry);
    // What has not happened yet is 0, so that its first time is an increase.
    builds.labelValues("ok", "");
    for (FailureCode code : FailureCode.values()) {
      if (!isRefusal(code)) {
        builds.labelValues(outcome(code), code.name());
      }
    }
    for (Phase phase : Phase.values()) {
      phases.labelValues(phase.label());
    }
    for (PopularityLoad outcome : PopularityLoad.values()) {
      popularityLoads.labelValues(outcome.label());
    }
    for (Cache cache : Cache.values()) {
      lookups.labelValues(cache.label(), HIT);
      lookups.labelValues(cache.label(), MISS);
    }
  }

  private Counter counter(String name, String help, String... labels) {
    return Counter.builder()
        .name(name)
        .help(help)
        .labelNames(labels)
        .withoutExemplars()
        .register(registry);
  }

  private Histogram seconds(String name, String help, String... labels) {
    return Histogram.builder()
        .name(name)
        .unit(Unit.SECONDS)
        .help(help)
        .labelNames(labels)
        .classicOnly()
        .classicUpperBounds(SECONDS)
        .withoutExemplars()
        .register(registry);
  }

  /**
   * A text that Prometheus reads.
   *
   * @param contentType the format, for {@code Content-Type}
   * @param text to be sent in UTF-8
   */
  public record Exposition(String contentType, String text) {}

  /**
   * Writes down the present state.
   *
   * @param accept the {@code Accept} header of the client, which chooses between Prometheus's text
   *     format 0.0.4 and OpenMetrics
   * @return the state
   */
  public Exposition expose(Optional<String> accept) {
    // Not formats.findWriter, which would choose protobuf even though that is not there.
    ExpositionFormatWriter openMetrics = formats.getOpenMetricsTextFormatWriter();
    ExpositionFormatWriter writer =
        openMetrics.accepts(accept.orElse(""))
            ? openMetrics
            : formats.getPrometheusTextFormatWriter();
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    try {
      writer.write(body, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    return new Exposition(writer.getContentType(), body.toString(StandardCharsets.UTF_8));
  }

  // Builds

  /**
   * Says where the numbers of builds are read that run and that wait for their turn.
   *
   * @param running how many run
   * @param waiting how many wait
   */
  public void observeBuilds(IntSupplier running, IntSupplier waiting) {
    gauge("nixery_builds_running", "Builds that are running", running);
    gauge("nixery_builds_waiting", "Builds that wait for their turn", waiting);
  }

  private void gauge(String name, String help, IntSupplier value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.getAsInt()))
        .register(registry);
  }

  /**
   * Counts a build.
   *
   * @param work builds; a {@link Failure} tells why it could not
   * @param <V> what it builds
   * @return what it built
   */
  public <V> V build(Supplier<V> work) {
    V result;
    try {
      result = work.get();
    } catch (Failure e) {
      builds.labelValues(outcome(e.code()), e.code().name()).inc();
      throw e;
    } catch (RuntimeException | Error e) {
      FailureCode code = FailureCode.INTERNAL;
      builds.labelValues(outcome(code), code.name()).inc();
      throw e;
    }
    builds.labelValues("ok", "").inc();
    return result;
  }

  private static String outcome(FailureCode code) {
    return code.kind().name().toLowerCase(Locale.ROOT);
  }

  /** Tells whether something is refused before it could become a build. */
  private static boolean isRefusal(FailureCode code) {
    return switch (code) {
      case NAME_INVALID,
          REFERENCE_INVALID,
          DIGEST_INVALID,
          MANIFEST_UNKNOWN,
          BLOB_UNKNOWN,
          NOT_FOUND,
          METHOD_UNSUPPORTED ->
          true;
      case PACKAGE_UNKNOWN,
          TAG_UNKNOWN,
          EVALUATION_FAILED,
          EVALUATION_TIMED_OUT,
          BUILD_FAILED,
          BUILD_TIMED_OUT,
          OVERLOADED,
          SOURCE_UNAVAILABLE,
          STORAGE_UNAVAILABLE,
          NIX_UNAVAILABLE,
          INTERRUPTED,
          INTERNAL ->
          false;
    };
  }

  /**
   * Work whose duration matters.
   *
   * @param <V> its result
   * @param <E> what it may throw
   */
  @FunctionalInterface
  public interface Work<V, E extends Exception> {

    /**
     * Does the work.
     *
     * @return the result
     * @throws E if it cannot
     */
    V get() throws E;
  }

  /**
   * Tells somebody which phases the calling thread enters meanwhile.
   *
   * @param listener is told
   * @param work is done
   * @param <V> its result
   * @return its result
   */
  public static <V> V telling(PhaseListener listener, Supplier<V> work) {
    return ScopedValue.where(LISTENER, listener).call(work::get);
  }

  /**
   * Measures how long a phase takes, whether it succeeds or not.
   *
   * @param phase which
   * @param work the phase
   * @param <V> its result
   * @param <E> what it may throw
   * @return its result
   * @throws E what it throws
   */
  public <V, E extends Exception> V time(Phase phase, Work<V, E> work) throws E {
    if (LISTENER.isBound()) {
      LISTENER.get().entered(phase);
    }
    long start = System.nanoTime();
    try {
      return work.get();
    } finally {
      phases.labelValues(phase.label()).observe(secondsSince(start));
    }
  }

  private static double secondsSince(long start) {
    return Unit.nanosToSeconds(System.nanoTime() - start);
  }

  /**
   * Counts a hit if something was found. What was not found may still come to be there while one
   * waits for it, so that a miss is counted only when it is made.
   *
   * @param cache where it was looked for
   * @param found what was found
   * @param <V> what was looked for
   * @return what was found
   */
  public <V> Optional<V> looked(Cache cache, Optional<V> found) {
    if (found.isPresent()) {
      hit(cache);
    }
    return found;
  }

  /**
   * Counts a hit.
   *
   * @param cache where it was found
   */
  public void hit(Cache cache) {
    lookups.labelValues(cache.label(), HIT).inc();
  }

  /**
   * Counts a miss.
   *
   * @param cache where it was not found
   */
  public void missed(Cache cache) {
    lookups.labelValues(cache.label(), MISS).inc();
  }

  /**
   * Counts a layer that was packed.
   *
   * @param size its compressed size in bytes
   */
  public void packed(long size) {
    packedLayers.inc();
    packedBytes.inc(size);
  }

  /** Counts an answer of the package source that may be outdated. */
  public void sourceWarned() {
    warnings.inc();
  }

  /**
   * Says where it is read of how many packages the popularity is known.
   *
   * @param packages how many
   */
  public void observePopularity(IntSupplier packages) {
    gauge("nixery_popularity_packages", "Packages whose popularity is known", packages);
  }

  /**
   * Counts an attempt to get popularity data.
   *
   * @param outcome what came of it
   */
  public void popularityLoaded(PopularityLoad outcome) {
    popularityLoads.labelValues(outcome.label()).inc();
  }

  // Storage

  /**
   * Measures a call of the storage, and counts it if it fails.
   *
   * @param operation the name of the method
   * @param call the call
   * @param <V> its result
   * @return its result
   */
  <V> V storageCall(String operation, Supplier<V> call) {
    long start = System.nanoTime();
    boolean done = false;
    try {
      V result = call.get();
      done = true;
      return result;
    } finally {
      storageCalls.labelValues(operation).observe(secondsSince(start));
      storageFailures.labelValues(operation).inc(done ? 0 : 1);
    }
  }

  // Requests

  /**
   * Counts a request that was answered, perhaps with an error.
   *
   * @param route what it asked for
   * @param status the HTTP status, from 100 to 599
   * @param nanos how long it took until the answer was sent, in nanoseconds
   */
  public void answered(Route route, int status, long nanos) {
    requests.labelValues(route.label(), status / 100 + "xx").inc();
    requestSeconds.labelValues(route.label()).observe(Unit.nanosToSeconds(nanos));
  }

  /**
   * Counts a request whose answer the client did not get in full.
   *
   * @param route what it asked for
   * @param nanos how long it took until then, in nanoseconds
   */
  public void aborted(Route route, long nanos) {
    requests.labelValues(route.label(), "aborted").inc();
    requestSeconds.labelValues(route.label()).observe(Unit.nanosToSeconds(nanos));
  }

  /**
   * Counts what was refused before it was a request.
   *
   * @param status the HTTP status
   */
  public void refused(int status) {
    requests.labelValues(Route.MALFORMED.label(), status / 100 + "xx").inc();
  }
}
