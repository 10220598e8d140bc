package nixery.server.registry;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.helidon.common.uri.UriQuery;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HttpPrologue;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.math.BigInteger;
import java.net.URLEncoder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import nixery.api.storage.Delivery;
import nixery.api.storage.StoredObject;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.MediaTypes;
import nixery.server.build.Images;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.log.RequestId;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers every request, each on the thread of its connection.
 *
 * <p>While a manifest is being built this thread waits. That the client has left in the meantime
 * shows only when the answer is written: Helidon offers no way to look at a socket that somebody
 * may still send the next request on. So the build is finished, and the image is there for whoever
 * asks next.
 */
final class RegistryHandler implements Handler {

  private static final System.Logger LOG = System.getLogger(RegistryHandler.class.getName());
  private static final JsonMapper JSON = new JsonMapper();

  private static final HeaderName API_VERSION =
      HeaderNames.create("Docker-Distribution-API-Version");
  private static final HeaderName FILTERS_APPLIED = HeaderNames.create("OCI-Filters-Applied");
  private static final HeaderName NO_SNIFFING = HeaderNames.create("X-Content-Type-Options");

  /** That of the specification: "case-insensitive alphanumeric". */
  private static final Comparator<String> TAG_ORDER =
      String.CASE_INSENSITIVE_ORDER.thenComparing(Comparator.naturalOrder());

  private static final String JSON_TYPE = "application/json";

  /**
   * How many transfers may hold a large piece: 16 MiB altogether. 256 KiB at a time take a fifth
   * less CPU time than 64 KiB do.
   */
  private static final int FEW_TRANSFERS = 64;

  private static final int LARGE_PIECE = 256 * 1024;
  private static final int SMALL_PIECE = 32 * 1024;

  private final AtomicInteger transfers = new AtomicInteger();
  private final Images images;
  private final StallGuard guard;
  private final AcceptedSockets sockets;
  private final Semaphore places;

  /**
   * Creates one.
   *
   * @param images what to serve
   * @param guard watches the clients
   * @param sockets of the clients
   * @param maxRequests how many requests are answered at a time, those that wait for builds
   *     included; more are told to come back later
   */
  RegistryHandler(Images images, StallGuard guard, AcceptedSockets sockets, int maxRequests) {
    this.images = images;
    this.guard = guard;
    this.sockets = sockets;
    this.places = new Semaphore(maxRequests);
  }

  @Override
  public void handle(ServerRequest request, ServerResponse response) {
    Exchange exchange = new Exchange(request, response, guard);
    exchange.set(API_VERSION, "registry/2.0");
    exchange.set(NO_SNIFFING, "nosniff");
    if (exchange.hasBody()) {
      // Nothing here takes a body, and nothing is gained by reading one.
      exchange.set(HeaderNames.CONNECTION, "close");
    }
    try {
      answerInTurn(exchange);
    } catch (CloseConnectionException e) {
      throw e;
    } catch (Failure e) {
      refuse(exchange, e);
    } catch (RuntimeException e) {
      refuse(exchange, new Failure(FailureCode.INTERNAL, "unexpected", e));
    }
  }

  private void answerInTurn(Exchange exchange) {
    if (!places.tryAcquire()) {
      throw new Failure(
          FailureCode.OVERLOADED, "The server is answering too many requests; try again soon.");
    }
    try {
      answer(exchange);
    } finally {
      places.release();
    }
  }

  private void answer(Exchange exchange) {
    HttpPrologue asked = exchange.request().prologue();
    Endpoint endpoint = Endpoint.parse(asked.uriPath().rawPath());
    if (!asked.method().equals(Method.GET) && !asked.method().equals(Method.HEAD)) {
      throw new Failure(
          FailureCode.METHOD_UNSUPPORTED,
          "Images cannot be pushed to this registry or deleted from it; it builds them itself.");
    }
    exchange.request().context().register(endpoint.route());
    switch (endpoint) {
      case Endpoint.Base() -> exchange.sendJson(JSON_TYPE, JSON.createObjectNode());
      case Endpoint.ManifestOf(var name, var reference) -> sendManifest(exchange, name, reference);
      case Endpoint.BlobOf(_, Reference.Known(Digest digest)) -> sendBlob(exchange, digest);
      case Endpoint.BlobOf(_, Reference.Foreign(String text)) -> throw blobUnknown(text);
      case Endpoint.TagsOf(var name) -> sendTags(exchange, name);
      case Endpoint.ReferrersOf(_, _) -> sendReferrers(exchange);
      case Endpoint.UploadsTo(_) ->
          throw new Failure(FailureCode.NOT_FOUND, "No upload is going on here.");
    }
  }

  // Manifests

  private void sendManifest(Exchange exchange, RepositoryName name, Reference reference) {
    Document manifest =
        switch (reference) {
          case Reference.Tag(String tag) -> {
            exchange.set(HeaderNames.VARY, "Accept");
            yield images.manifest(name.value(), tag, choose(exchange, images.forms(name.value())));
          }
          case Reference.Known(Digest digest) ->
              images.manifest(digest).orElseThrow(() -> manifestUnknown(digest.toString()));
          case Reference.Foreign(String text) -> throw manifestUnknown(text);
        };
    exchange.identify(
        manifest.digest(),
        reference instanceof Reference.Tag ? Exchange.REVALIDATE : Exchange.FOREVER);
    if (!exchange.sendByPrecondition(manifest.digest())) {
      exchange.set(HeaderNames.CONTENT_TYPE, manifest.mediaType());
      exchange.send(manifest.bytes());
    }
  }

  /**
   * Docker's forms are preferred where the client likes both equally: every client reads them, and
   * Docker, containerd, Podman and skopeo all send both without weights. Whoever does not say what
   * it reads may know nothing of indexes.
   */
  private static String choose(Exchange exchange, List<String> forms) {
    Acceptance acceptance =
        Acceptance.parse(exchange.request().headers().all(HeaderNames.ACCEPT, List::of));
    if (forms.contains(MediaTypes.DOCKER_MANIFEST)) {
      return acceptance.choose(forms, MediaTypes.DOCKER_MANIFEST);
    }
    if (acceptance.accepts(MediaTypes.DOCKER_MANIFEST)
        && forms.stream().noneMatch(acceptance::accepts)) {
      throw new Failure(
          FailureCode.MANIFEST_UNKNOWN,
          "This registry compresses layers with zstd, for which there are OCI manifests only, and"
              + " this client does not accept them.");
    }
    return acceptance.choose(forms, MediaTypes.OCI_MANIFEST);
  }

  private static Failure manifestUnknown(String digest) {
    return new Failure(
        FailureCode.MANIFEST_UNKNOWN,
        "There is no manifest " + digest + "; pull the image by its tag to have it built.");
  }

  // Blobs

  /** Opens a blob at an offset. */
  @FunctionalInterface
  private interface Opener {
    BlobTransfer open(long offset);
  }

  private void sendBlob(Exchange exchange, Digest digest) {
    switch (images.blob(digest).orElseThrow(() -> blobUnknown(digest.toString()))) {
      case Delivery.Redirect(var location) -> {
        exchange.response().status(Status.TEMPORARY_REDIRECT_307);
        exchange.set(HeaderNames.LOCATION, location.toString());
        exchange.set(Exchange.CONTENT_DIGEST, digest.toString());
        exchange.set(HeaderNames.CACHE_CONTROL, Exchange.NEVER);
        exchange.sendHeaders(0);
      }
      case Delivery.LocalFile(var file, long length) ->
          sendBlob(exchange, digest, length, from -> BlobTransfer.ofFile(file, length, from));
      case Delivery.Streamed(long length) ->
          sendBlob(exchange, digest, length, from -> openStream(digest, length, from));
    }
  }

  private BlobTransfer openStream(Digest digest, long length, long from) {
    StoredObject object =
        images.openBlob(digest, from).orElseThrow(() -> blobUnknown(digest.toString()));
    return BlobTransfer.ofObject(object, length);
  }

  private void sendBlob(Exchange exchange, Digest digest, long length, Opener opener) {
    exchange.identify(digest, Exchange.FOREVER);
    exchange.set(HeaderNames.ACCEPT_RANGES, "bytes");
    if (exchange.sendByPrecondition(digest)) {
      return;
    }
    switch (exchange.range(digest, length)) {
      case ByteRange.Whole() -> sendBytes(exchange, 0, length, opener);
      case ByteRange.Part(long first, long last) -> {
        exchange.response().status(Status.PARTIAL_CONTENT_206);
        exchange.set(HeaderNames.CONTENT_RANGE, "bytes " + first + "-" + last + "/" + length);
        sendBytes(exchange, first, last - first + 1, opener);
      }
      case ByteRange.Unsatisfiable() -> {
        exchange.set(HeaderNames.CONTENT_RANGE, "bytes */" + length);
        exchange.sendError(
            new ErrorResponse(
                416, "RANGE_INVALID", "This blob has " + length + " bytes; ask for some of them."));
      }
    }
  }

  private void sendBytes(Exchange exchange, long first, long length, Opener opener) {
    exchange.set(HeaderNames.CONTENT_TYPE, "application/octet-stream");
    if (exchange.isHead() || length == 0) {
      exchange.sendHeaders(length);
      return;
    }
    try (BlobTransfer transfer = opener.open(first)) {
      exchange.set(HeaderNames.CONTENT_LENGTH, Long.toString(length));
      Optional<SocketChannel> socket =
          sockets.find(exchange.request().localPeer(), exchange.request().remotePeer());
      if (socket.isPresent() && transfer.isFile() && length > LARGE_PIECE) {
        try {
          transfer.sendFile(exchange.response(), socket.get(), length, guard);
        } finally {
          exchange.request().context().register(AccessLog.SENT_BESIDE, transfer.sentBeside());
        }
      } else {
        send(exchange, transfer, length);
      }
    }
  }

  private void send(Exchange exchange, BlobTransfer transfer, long length) {
    boolean few = transfers.incrementAndGet() <= FEW_TRANSFERS;
    try {
      transfer.send(exchange.response(), length, few ? LARGE_PIECE : SMALL_PIECE, guard);
    } finally {
      transfers.decrementAndGet();
    }
  }

  private static Failure blobUnknown(String digest) {
    return new Failure(
        FailureCode.BLOB_UNKNOWN,
        "There is no blob " + digest + "; pull the image by its tag to have it built.");
  }

  // Tags and referrers

  private void sendTags(Exchange exchange, RepositoryName name) {
    UriQuery query = exchange.request().query();
    Optional<String> count = parameter(query, "n");
    if (count.isPresent() && !count.get().matches("\\d{1,1000}")) {
      exchange.sendError(
          new ErrorResponse(
              400, "PAGINATION_NUMBER_INVALID", "n is the number of tags wanted, from 0 on."));
      return;
    }
    String last = parameter(query, "last").orElse("");
    List<String> tags =
        images.tags().stream()
            .filter(tag -> TAG_ORDER.compare(tag, last) > 0)
            .sorted(TAG_ORDER)
            .toList();
    int wanted =
        count
            .map(BigInteger::new)
            .map(number -> number.min(BigInteger.valueOf(tags.size())).intValue())
            .orElse(tags.size());
    List<String> page = tags.subList(0, Math.min(wanted, tags.size()));
    if (!page.isEmpty() && page.size() < tags.size()) {
      String next = URLEncoder.encode(page.getLast(), StandardCharsets.UTF_8);
      exchange.set(
          HeaderNames.LINK,
          "</v2/%s/tags/list?n=%d&last=%s>; rel=\"next\"".formatted(name.value(), wanted, next));
    }
    ObjectNode body = JSON.createObjectNode();
    body.put("name", name.value());
    ArrayNode list = body.putArray("tags");
    page.forEach(list::add);
    exchange.sendJson(JSON_TYPE, body);
  }

  /** Its typed values would need a service that {@link RegistryServer} does without. */
  private static Optional<String> parameter(UriQuery query, String name) {
    return query.contains(name) ? Optional.of(query.get(name)) : Optional.empty();
  }

  /** Nothing refers to our images, and nobody can push what does. */
  private void sendReferrers(Exchange exchange) {
    if (exchange.request().query().contains("artifactType")) {
      exchange.set(FILTERS_APPLIED, "artifactType");
    }
    ObjectNode index = JSON.createObjectNode();
    index.put("schemaVersion", 2);
    index.put("mediaType", MediaTypes.OCI_INDEX);
    index.putArray("manifests");
    exchange.sendJson(MediaTypes.OCI_INDEX, index);
  }

  // Failures

  private void refuse(Exchange exchange, Failure failure) {
    String id = RequestId.current().map(RequestId::value).orElseThrow();
    switch (failure.code().kind()) {
      case USER -> {}
      case EXTERNAL -> {
        String what = failure.code() + ": " + Text.printable(failure.getMessage());
        // Where there is no cause, the trace tells nothing, and there may be many of these.
        LOG.log(WARNING, what, failure.getCause() == null ? null : failure);
      }
      case INTERNAL -> LOG.log(ERROR, "internal failure", failure);
    }
    exchange.request().context().register(AccessLog.FAILURE, failure.code());
    // What was set for the answer that did not come to be is not true of this one.
    List.of(
            HeaderNames.CONTENT_LENGTH,
            HeaderNames.CONTENT_RANGE,
            HeaderNames.ACCEPT_RANGES,
            HeaderNames.ETAG,
            Exchange.CONTENT_DIGEST)
        .forEach(exchange.response().headers()::remove);
    if (failure.code() == FailureCode.METHOD_UNSUPPORTED) {
      exchange.set(HeaderNames.ALLOW, "GET, HEAD");
    }
    exchange.sendError(ErrorResponse.of(failure, id));
  }
}
