package nixery.server.web;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Route;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers those who look after the server: {@code /metrics} for Prometheus, {@code /health/live}
 * and {@code /health/ready} for Kubernetes and load balancers. What it says is for anybody's eyes.
 */
public final class Operations implements HttpService {

  private static final HeaderName NO_SNIFFING = HeaderNames.create("X-Content-Type-Options");
  private static final String JSON_TYPE = "application/json";
  private static final String RETRY_SECONDS = "10";
  private static final JsonMapper JSON = new JsonMapper();

  private final Metrics metrics;
  private final List<Probe> probes;
  private final BooleanSupplier stopping;

  /**
   * Creates one.
   *
   * @param metrics to show
   * @param probes of what must be usable for the server to be ready
   * @param stopping whether the server is going to stop, so that it is not ready any more
   */
  public Operations(Metrics metrics, List<Probe> probes, BooleanSupplier stopping) {
    this.metrics = metrics;
    this.probes = List.copyOf(probes);
    this.stopping = stopping;
  }

  @Override
  public void routing(HttpRules rules) {
    rules
        .any("/metrics", readOnly(Route.METRICS, this::sendMetrics))
        .any("/health/live", readOnly(Route.HEALTH, Operations::sendLive))
        .any("/health/ready", readOnly(Route.HEALTH, this::sendReady));
  }

  private static Handler readOnly(Route route, Handler handler) {
    return (request, response) -> {
      request.context().register(route);
      response.header(HeaderNames.CACHE_CONTROL, "no-store");
      response.header(NO_SNIFFING, "nosniff");
      Method method = request.prologue().method();
      if (method.equals(Method.GET) || method.equals(Method.HEAD)) {
        handler.handle(request, response);
      } else {
        response.status(Status.METHOD_NOT_ALLOWED_405);
        response.header(HeaderNames.ALLOW, "GET, HEAD");
        response.header(HeaderNames.CONNECTION, "close");
        response.send();
      }
    };
  }

  private void sendMetrics(ServerRequest request, ServerResponse response) {
    List<String> accepted = request.headers().all(HeaderNames.ACCEPT, List::of);
    Metrics.Exposition exposition =
        metrics.expose(
            accepted.isEmpty() ? Optional.empty() : Optional.of(String.join(",", accepted)));
    response.header(HeaderNames.VARY, "Accept");
    Body.send(request, response, exposition.contentType(), exposition.text().getBytes(UTF_8));
  }

  private static void sendLive(ServerRequest request, ServerResponse response) {
    sendJson(request, response, JSON.createObjectNode().put("status", "ok"));
  }

  private void sendReady(ServerRequest request, ServerResponse response) {
    if (stopping.getAsBoolean()) {
      unavailable(response);
      sendJson(request, response, JSON.createObjectNode().put("status", "stopping"));
      return;
    }
    // All are asked before the first is waited for.
    List<CompletableFuture<Boolean>> answers = probes.stream().map(Probe::usable).toList();
    ObjectNode body = JSON.createObjectNode();
    body.put("status", "ok");
    ObjectNode checks = body.putObject("checks");
    for (int i = 0; i < probes.size(); i++) {
      boolean usable = answers.get(i).join();
      checks.put(probes.get(i).name(), usable ? "ok" : probes.get(i).problem());
      if (!usable) {
        body.put("status", "unavailable");
        unavailable(response);
      }
    }
    sendJson(request, response, body);
  }

  private static void unavailable(ServerResponse response) {
    response.status(Status.SERVICE_UNAVAILABLE_503);
    response.header(HeaderNames.RETRY_AFTER, RETRY_SECONDS);
  }

  private static void sendJson(ServerRequest request, ServerResponse response, ObjectNode body) {
    Body.send(request, response, JSON_TYPE, JSON.writeValueAsBytes(body));
  }
}
