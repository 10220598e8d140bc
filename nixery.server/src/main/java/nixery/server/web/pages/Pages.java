package nixery.server.web.pages;

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
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import nixery.server.build.Catalogue;
import nixery.server.build.Catalogue.Started;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.failure.FailureKind;
import nixery.server.metrics.Route;
import nixery.server.progress.Build;
import nixery.server.progress.Builds;
import nixery.server.progress.Snapshot;
import nixery.server.registry.StallGuard;
import nixery.server.registry.TaggedName;
import nixery.server.web.Body;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The pages for people:
 *
 * <ul>
 *   <li>{@code GET /}: what an image would hold, and how to pull it
 *   <li>{@code GET /images/<name>?tag=<tag>}: what an image holds
 *   <li>{@code GET /builds}: the builds of late; {@code POST /builds?image=<name>&tag=<tag>}: has
 *       an image built
 *   <li>{@code GET /builds/<id>}: one build; {@code GET /builds/<id>/events}: the same as
 *       server-sent events
 *   <li>{@code GET /assets/<file>}: style, script and icon
 * </ul>
 *
 * <p>No page runs or loads what is not from this server, and none can be put in a frame.
 */
public final class Pages implements HttpService {

  private static final HeaderName NO_SNIFFING = HeaderNames.create("X-Content-Type-Options");
  private static final HeaderName POLICY = HeaderNames.create("Content-Security-Policy");
  private static final HeaderName REFERRER = HeaderNames.create("Referrer-Policy");
  private static final HeaderName RESOURCE_POLICY =
      HeaderNames.create("Cross-Origin-Resource-Policy");
  private static final HeaderName OPENER_POLICY = HeaderNames.create("Cross-Origin-Opener-Policy");
  private static final HeaderName LAST_EVENT = HeaderNames.create("Last-Event-ID");

  private static final String CONTENT_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
          + " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

  private static final String READ = "GET, HEAD";
  private static final String HTML = "text/html; charset=utf-8";
  private static final String JSON_TYPE = "application/json";
  private static final String NEVER = "no-store";
  private static final String FOREVER = "max-age=31536000, immutable";
  private static final String LATEST = "latest";
  private static final int RETRY_SECONDS = 10;

  /** The most lines that a page has; a build's log is not longer. */
  private static final int WHOLE_LOG = Integer.MAX_VALUE;

  private static final Pattern HOST =
      Pattern.compile("(?:[A-Za-z0-9._-]{1,255}|\\[[0-9A-Fa-f:.]{1,64}])(?::[0-9]{1,5})?");

  private static final JsonMapper JSON = new JsonMapper();

  private final Catalogue catalogue;
  private final Builds builds;
  private final boolean logs;
  private final EventStream events;

  /**
   * Creates them.
   *
   * @param catalogue what is known of images
   * @param builds what goes on
   * @param logs whether to show the logs of builds
   */
  public Pages(Catalogue catalogue, Builds builds, boolean logs) {
    this.catalogue = catalogue;
    this.builds = builds;
    this.logs = logs;
    this.events = new EventStream(logs);
  }

  @Override
  public void routing(HttpRules rules) {
    rules
        .any("/", page(Route.PAGE, READ, this::front))
        .any("/builds", page(Route.PAGE, READ + ", POST", this::buildsOrStart))
        .any("/builds/{id}", page(Route.PAGE, READ, this::build))
        .any("/builds/{id}/events", page(Route.EVENTS, READ, this::follow))
        .any("/images/{+name}", page(Route.PAGE, READ, this::image))
        .any("/assets/{file}", page(Route.PAGE, READ, Pages::asset));
  }

  /** Sees to the headers, the method, and what goes wrong. */
  private static Handler page(Route route, String methods, Handler handler) {
    return (request, response) -> {
      request.context().register(route);
      response.header(HeaderNames.CACHE_CONTROL, NEVER);
      response.header(NO_SNIFFING, "nosniff");
      response.header(POLICY, CONTENT_POLICY);
      response.header(REFERRER, "same-origin");
      response.header(RESOURCE_POLICY, "same-origin");
      response.header(OPENER_POLICY, "same-origin");
      if (request.headers().contains(HeaderNames.TRANSFER_ENCODING)
          || request.headers().contentLength().orElse(0) > 0) {
        // No page takes a body.
        response.header(HeaderNames.CONNECTION, "close");
      }
      if (!List.of(methods.split(", ")).contains(request.prologue().method().text())) {
        response.header(HeaderNames.ALLOW, methods);
        response.header(HeaderNames.CONNECTION, "close");
        problem(request, response, 405, "Not possible", "This address is there to be looked at.");
        return;
      }
      try {
        handler.handle(request, response);
      } catch (Failure e) {
        fail(request, response, e);
      }
    };
  }

  private static void fail(ServerRequest request, ServerResponse response, Failure failure) {
    if (failure.code().kind() == FailureKind.INTERNAL) {
      throw failure;
    }
    int status =
        switch (failure.code()) {
          case NAME_INVALID, REFERENCE_INVALID, DIGEST_INVALID -> 400;
          case OVERLOADED -> 429;
          default -> failure.code().kind() == FailureKind.USER ? 404 : 503;
        };
    if (failure.code().kind() == FailureKind.EXTERNAL) {
      response.header(HeaderNames.RETRY_AFTER, Integer.toString(RETRY_SECONDS));
    }
    problem(request, response, status, "That did not work", failure.getMessage());
  }

  private static void problem(
      ServerRequest request, ServerResponse response, int status, String title, String message) {
    response.status(Status.create(status));
    if (wantsJson(request)) {
      Body.send(
          request,
          response,
          JSON_TYPE,
          JSON.writeValueAsBytes(JSON.createObjectNode().put("message", message)));
    } else {
      send(request, response, Layout.problem(title, message));
    }
  }

  private static boolean wantsJson(ServerRequest request) {
    return request.headers().all(HeaderNames.ACCEPT, List::of).contains(JSON_TYPE);
  }

  // Images

  private void front(ServerRequest request, ServerResponse response) {
    FrontPage.Input input = FrontPage.Input.of(query(request), catalogue.architectures());
    if (input.name().isEmpty()) {
      send(request, response, FrontPage.empty(input));
      return;
    }
    try {
      TaggedName image = TaggedName.parse(input.name(), input.tag());
      Catalogue.Preview preview =
          unguarded(request, () -> catalogue.preview(image.name(), image.tag()));
      send(request, response, FrontPage.answer(input, host(request), preview));
    } catch (Failure e) {
      if (e.code().kind() != FailureKind.USER) {
        throw e;
      }
      response.status(Status.BAD_REQUEST_400);
      send(request, response, FrontPage.invalid(input, e.getMessage()));
    }
  }

  private void image(ServerRequest request, ServerResponse response) {
    TaggedName image =
        TaggedName.parse(
            request.path().pathParameters().get("name"),
            query(request).getOrDefault("tag", LATEST));
    Optional<String> page =
        unguarded(request, () -> catalogue.find(image.name(), image.tag()))
            .map(details -> ImagePage.of(image.name(), image.tag(), host(request), details));
    if (page.isEmpty()) {
      response.status(Status.NOT_FOUND_404);
    }
    send(request, response, page.orElseGet(() -> ImagePage.missing(image.name(), image.tag())));
  }

  // Builds

  private void buildsOrStart(ServerRequest request, ServerResponse response) {
    if (!request.prologue().method().equals(Method.POST)) {
      send(request, response, BuildsPage.of(builds, Instant.now()));
    } else if (!Origin.isSame(request)) {
      problem(request, response, 403, "Not from there", "Builds are started from here only.");
    } else {
      start(request, response);
    }
  }

  private void start(ServerRequest request, ServerResponse response) {
    Map<String, String> query = query(request);
    TaggedName image =
        TaggedName.parse(query.getOrDefault("image", ""), query.getOrDefault("tag", LATEST));
    Started started = unguarded(request, () -> catalogue.start(image.name(), image.tag()));
    String location =
        switch (started) {
          case Started.Building(var id) -> Links.build(id);
          case Started.Ready(), Started.Elsewhere() -> Links.image(image.name(), image.tag());
        };
    if (!wantsJson(request)) {
      response.status(Status.SEE_OTHER_303);
      response.header(HeaderNames.LOCATION, location);
      Body.send(request, response, HTML, new byte[0]);
      return;
    }
    ObjectNode answer = JSON.createObjectNode();
    answer.put("page", location);
    if (started instanceof Started.Building(var id)) {
      answer.put("events", Links.events(id, 0));
    }
    Body.send(request, response, JSON_TYPE, JSON.writeValueAsBytes(answer));
  }

  private Build find(ServerRequest request) {
    return builds
        .find(request.path().pathParameters().get("id"))
        .orElseThrow(() ->
            new Failure(
                FailureCode.NOT_FOUND,
                "This build was another server's, or it was so long ago that it is forgotten."));
  }

  private void build(ServerRequest request, ServerResponse response) {
    Build build = find(request);
    Snapshot snapshot = build.snapshot();
    send(request, response, BuildPage.of(snapshot, host(request), logs, build.log(0, WHOLE_LOG)));
  }

  private void follow(ServerRequest request, ServerResponse response) {
    Build build = find(request);
    String from =
        request
            .headers()
            .first(LAST_EVENT)
            .orElseGet(() -> query(request).getOrDefault("from", "0"));
    if (request.prologue().method().equals(Method.HEAD)) {
      Body.send(request, response, EventStream.TYPE, new byte[0]);
    } else if (!events.send(build, line(from), request, response, guard(request))) {
      response.header(HeaderNames.RETRY_AFTER, Integer.toString(RETRY_SECONDS));
      problem(request, response, 503, "Too many", "Too many are looking on: reload to see more.");
    }
  }

  private static long line(String text) {
    return text.matches("[0-9]{1,18}") ? Long.parseLong(text) : 0;
  }

  // Assets

  private static void asset(ServerRequest request, ServerResponse response) {
    Asset asset =
        Asset.find("/assets/" + request.path().pathParameters().get("file"))
            .orElseThrow(() ->
                new Failure(FailureCode.NOT_FOUND, "There is no such file: reload the page."));
    String tag = "\"" + asset.path() + "\"";
    response.header(HeaderNames.CACHE_CONTROL, FOREVER);
    response.header(HeaderNames.ETAG, tag);
    if (request.headers().all(HeaderNames.IF_NONE_MATCH, List::of).contains(tag)) {
      response.status(Status.NOT_MODIFIED_304);
      response.send();
    } else {
      Body.send(request, response, asset.type(), asset.content());
    }
  }

  // Requests and answers

  private static Map<String, String> query(ServerRequest request) {
    return Links.query(request.query().rawValue());
  }

  /** Returns this server's name and port as the client knows them. */
  private static String host(ServerRequest request) {
    return request
        .headers()
        .first(HeaderNames.HOST)
        .filter(host -> HOST.matcher(host).matches())
        .orElse("localhost");
  }

  private static StallGuard guard(ServerRequest request) {
    return request.context().get(StallGuard.class).orElseThrow();
  }

  /** Does what may take a while, which is not the client's fault. */
  private static <V> V unguarded(ServerRequest request, Supplier<V> work) {
    StallGuard guard = guard(request);
    guard.end();
    try {
      return work.get();
    } finally {
      guard.begin();
    }
  }

  private static void send(ServerRequest request, ServerResponse response, String page) {
    Body.send(request, response, HTML, page.getBytes(UTF_8));
  }
}
