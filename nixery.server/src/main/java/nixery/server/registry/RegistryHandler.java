package nixery.server.registry;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import nixery.api.storage.Delivery;
import nixery.image.Digest;
import nixery.server.build.Image;
import nixery.server.build.Images;
import nixery.server.build.Manifest;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.failure.FailureKind;
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

  private static final HeaderName CONTENT_DIGEST = HeaderNames.create("Docker-Content-Digest");
  private static final HeaderName API_VERSION =
      HeaderNames.create("Docker-Distribution-API-Version");
  private static final HeaderName FILTERS_APPLIED = HeaderNames.create("OCI-Filters-Applied");
  private static final HeaderName NO_SNIFFING = HeaderNames.create("X-Content-Type-Options");

  private static final String INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
  private static final String REVALIDATE = "no-cache";
  private static final String FOREVER = "max-age=31536000, immutable";
  private static final String NEVER = "no-store";

  private final Images images;
  private final StallGuard guard;

  /**
   * Creates one.
   *
   * @param images what to serve
   * @param guard watches the clients
   */
  RegistryHandler(Images images, StallGuard guard) {
    this.images = images;
    this.guard = guard;
  }

  @Override
  public void handle(ServerRequest request, ServerResponse response) {
    response.header(API_VERSION, "registry/2.0");
    response.header(NO_SNIFFING, "nosniff");
    if (hasBody(request)) {
      // Nothing here takes a body, and nothing is gained by reading one.
      response.header(HeaderNames.CONNECTION, "close");
    }
    try {
      answer(request, response);
    } catch (CloseConnectionException e) {
      throw e;
    } catch (Failure e) {
      refuse(request, response, e);
    } catch (RuntimeException e) {
      refuse(request, response, new Failure(FailureCode.INTERNAL, "unexpected", e));
    }
  }

  private static boolean hasBody(ServerRequest request) {
    return request.headers().contains(HeaderNames.TRANSFER_ENCODING)
        || request.headers().contentLength().orElse(0) > 0;
  }

  private void answer(ServerRequest request, ServerResponse response) {
    Endpoint endpoint = Endpoint.parse(request.prologue().uriPath().rawPath());
    boolean head = request.prologue().method().equals(Method.HEAD);
    if (!head && !request.prologue().method().equals(Method.GET)) {
      throw new Failure(
          FailureCode.METHOD_UNSUPPORTED,
          "Images cannot be pushed to this registry or deleted from it; it builds them itself.");
    }
    switch (endpoint) {
      case Endpoint.Base() -> sendJson(request, response, JSON.createObjectNode());
      case Endpoint.ManifestOf(var name, var reference) ->
          sendManifest(request, response, name, reference);
      case Endpoint.BlobOf(_, Reference.Known(Digest digest)) ->
          sendBlob(request, response, digest);
      case Endpoint.BlobOf(_, Reference.Foreign(String text)) -> throw blobUnknown(text);
      case Endpoint.TagsOf(var name) -> sendTags(request, response, name);
      case Endpoint.ReferrersOf(_, _) -> sendReferrers(request, response);
      case Endpoint.UploadsTo(_) ->
          throw new Failure(FailureCode.NOT_FOUND, "No upload is going on here.");
    }
  }

  // Manifests

  private void sendManifest(
      ServerRequest request, ServerResponse response, RepositoryName name, Reference reference) {
    Manifest manifest =
        switch (reference) {
          case Reference.Tag(String tag) -> {
            response.header(HeaderNames.VARY, "Accept");
            yield choose(request, images.image(name.value(), tag));
          }
          case Reference.Known(Digest digest) ->
              images.manifest(digest).orElseThrow(() -> manifestUnknown(digest.toString()));
          case Reference.Foreign(String text) -> throw manifestUnknown(text);
        };
    String caching = reference instanceof Reference.Tag ? REVALIDATE : FOREVER;
    setIdentity(response, manifest.digest(), caching);
    if (isKnown(request, manifest.digest())) {
      sendNotModified(response);
      return;
    }
    response.header(HeaderNames.CONTENT_TYPE, manifest.mediaType());
    send(request, response, manifest.bytes());
  }

  /**
   * Docker's form is preferred where the client likes both equally: every client reads it, and
   * Docker, containerd, Podman and skopeo all send both without weights.
   */
  private static Manifest choose(ServerRequest request, Image image) {
    Acceptance acceptance = Acceptance.parse(request.headers().all(HeaderNames.ACCEPT, List::of));
    String chosen = acceptance.choose(List.of(image.docker().mediaType(), image.oci().mediaType()));
    return chosen.equals(image.docker().mediaType()) ? image.docker() : image.oci();
  }

  private static Failure manifestUnknown(String digest) {
    return new Failure(
        FailureCode.MANIFEST_UNKNOWN,
        "There is no manifest " + digest + "; pull the image by its tag to have it built.");
  }

  // Blobs

  private void sendBlob(ServerRequest request, ServerResponse response, Digest digest) {
    Delivery delivery = images.blob(digest).orElseThrow(() -> blobUnknown(digest.toString()));
    switch (delivery) {
      case Delivery.Redirect(var location) -> {
        response.status(Status.TEMPORARY_REDIRECT_307);
        response.header(HeaderNames.LOCATION, location.toString());
        response.header(CONTENT_DIGEST, digest.toString());
        response.header(HeaderNames.CACHE_CONTROL, NEVER);
        send(request, response, new byte[0]);
      }
      case Delivery.LocalFile(var file, long length) ->
          sendBlob(
              request,
              response,
              digest,
              length,
              offset -> BlobTransfer.ofFile(file, length, offset));
      case Delivery.Streamed(long length) ->
          sendBlob(
              request,
              response,
              digest,
              length,
              offset ->
                  BlobTransfer.ofObject(
                      images
                          .openBlob(digest, offset)
                          .orElseThrow(() -> blobUnknown(digest.toString())),
                      length));
    }
  }

  /** Opens a blob at an offset. */
  @FunctionalInterface
  private interface Opener {
    BlobTransfer open(long offset);
  }

  private void sendBlob(
      ServerRequest request, ServerResponse response, Digest digest, long length, Opener opener) {
    setIdentity(response, digest, FOREVER);
    response.header(HeaderNames.ACCEPT_RANGES, "bytes");
    if (isKnown(request, digest)) {
      sendNotModified(response);
      return;
    }
    switch (range(request, digest, length)) {
      case ByteRange.Whole() ->
          sendBytes(request, response, new ByteRange.Part(0, length - 1), opener);
      case ByteRange.Part part -> {
        response.status(Status.PARTIAL_CONTENT_206);
        response.header(
            HeaderNames.CONTENT_RANGE, "bytes " + part.first() + "-" + part.last() + "/" + length);
        sendBytes(request, response, part, opener);
      }
      case ByteRange.Unsatisfiable() -> {
        response.header(HeaderNames.CONTENT_RANGE, "bytes */" + length);
        ErrorResponse error =
            new ErrorResponse(
                416, "RANGE_INVALID", "This blob has " + length + " bytes; ask for some of them.");
        sendError(request, response, error);
      }
    }
  }

  /** A range of a HEAD request means nothing (RFC 9110, section 14.2). */
  private static ByteRange range(ServerRequest request, Digest digest, long length) {
    boolean current =
        request.headers().value(HeaderNames.IF_RANGE).map(etag(digest)::equals).orElse(true);
    boolean get = request.prologue().method().equals(Method.GET);
    return ByteRange.parse(
        get && current ? request.headers().value(HeaderNames.RANGE) : Optional.empty(), length);
  }

  private void sendBytes(
      ServerRequest request, ServerResponse response, ByteRange.Part part, Opener opener) {
    long length = part.last() - part.first() + 1;
    response.header(HeaderNames.CONTENT_TYPE, "application/octet-stream");
    if (isHead(request) || length == 0) {
      response.header(HeaderNames.CONTENT_LENGTH, Long.toString(length));
      send(request, response, new byte[0]);
      return;
    }
    try (BlobTransfer transfer = opener.open(part.first())) {
      response.header(HeaderNames.CONTENT_LENGTH, Long.toString(length));
      transfer.send(response, length, guard);
    }
  }

  private static Failure blobUnknown(String digest) {
    return new Failure(
        FailureCode.BLOB_UNKNOWN,
        "There is no blob " + digest + "; pull the image by its tag to have it built.");
  }

  // Tags and referrers

  private void sendTags(ServerRequest request, ServerResponse response, RepositoryName name) {
    Optional<String> count = request.query().first("n").asOptional();
    Optional<String> last = request.query().first("last").asOptional();
    if (count.isPresent() && !count.get().matches("\\d{1,9}")) {
      ErrorResponse error =
          new ErrorResponse(
              400, "PAGINATION_NUMBER_INVALID", "n is the number of tags wanted, from 0 on.");
      sendError(request, response, error);
      return;
    }
    List<String> tags =
        images.tags().stream()
            .filter(tag -> last.isEmpty() || tag.compareTo(last.get()) > 0)
            .toList();
    int wanted = count.map(Integer::parseInt).orElse(Integer.MAX_VALUE);
    List<String> page = tags.subList(0, Math.min(wanted, tags.size()));
    if (!page.isEmpty() && page.size() < tags.size()) {
      response.header(
          HeaderNames.LINK,
          "</v2/%s/tags/list?n=%d&last=%s>; rel=\"next\""
              .formatted(
                  name.value(), wanted, URLEncoder.encode(page.getLast(), StandardCharsets.UTF_8)));
    }
    ObjectNode body = JSON.createObjectNode();
    body.put("name", name.value());
    ArrayNode list = body.putArray("tags");
    page.forEach(list::add);
    sendJson(request, response, body);
  }

  /** Nothing refers to our images, and nobody can push what does. */
  private void sendReferrers(ServerRequest request, ServerResponse response) {
    if (request.query().contains("artifactType")) {
      response.header(FILTERS_APPLIED, "artifactType");
    }
    ObjectNode index = JSON.createObjectNode();
    index.put("schemaVersion", 2);
    index.put("mediaType", INDEX_TYPE);
    index.putArray("manifests");
    response.header(HeaderNames.CONTENT_TYPE, INDEX_TYPE);
    response.header(HeaderNames.CACHE_CONTROL, REVALIDATE);
    send(request, response, JSON.writeValueAsBytes(index));
  }

  // Failures

  private void refuse(ServerRequest request, ServerResponse response, Failure failure) {
    String id = UUID.randomUUID().toString();
    if (failure.code().kind() == FailureKind.INTERNAL) {
      LOG.log(ERROR, "internal failure " + id, failure);
    } else if (failure.code().kind() == FailureKind.EXTERNAL) {
      LOG.log(WARNING, failure.code() + ": " + Text.printable(failure.getMessage()), failure);
    }
    request.context().register(AccessLog.FAILURE, failure.code());
    // What was set for the answer that did not come to be is not true of this one.
    for (HeaderName name :
        List.of(
            HeaderNames.CONTENT_LENGTH,
            HeaderNames.CONTENT_RANGE,
            HeaderNames.ACCEPT_RANGES,
            HeaderNames.ETAG,
            CONTENT_DIGEST)) {
      response.headers().remove(name);
    }
    if (failure.code() == FailureCode.METHOD_UNSUPPORTED) {
      response.header(HeaderNames.ALLOW, "GET, HEAD");
    }
    sendError(request, response, ErrorResponse.of(failure, id));
  }

  private void sendError(ServerRequest request, ServerResponse response, ErrorResponse error) {
    response.status(Status.create(error.status()));
    response.header(HeaderNames.CACHE_CONTROL, NEVER);
    response.header(HeaderNames.CONTENT_TYPE, "application/json");
    error
        .retryAfter()
        .ifPresent(seconds -> response.header(HeaderNames.RETRY_AFTER, Integer.toString(seconds)));
    send(request, response, error.body());
  }

  // What all answers share

  private void setIdentity(ServerResponse response, Digest digest, String caching) {
    response.header(CONTENT_DIGEST, digest.toString());
    response.header(HeaderNames.ETAG, etag(digest));
    response.header(HeaderNames.CACHE_CONTROL, caching);
  }

  private static String etag(Digest digest) {
    return "\"" + digest + "\"";
  }

  /**
   * Compares weakly (RFC 9110, section 13.1.2), and takes a digest without quotes for what it is.
   */
  private static boolean isKnown(ServerRequest request, Digest digest) {
    return request.headers().all(HeaderNames.IF_NONE_MATCH, List::of).stream()
        .flatMap(value -> List.of(value.split(",")).stream())
        .map(tag -> tag.strip().replaceFirst("^W/", "").replace("\"", ""))
        .anyMatch(tag -> tag.equals("*") || tag.equals(digest.toString()));
  }

  private void sendNotModified(ServerResponse response) {
    response.status(Status.NOT_MODIFIED_304);
    response.send();
  }

  private void sendJson(ServerRequest request, ServerResponse response, ObjectNode body) {
    response.header(HeaderNames.CONTENT_TYPE, "application/json");
    response.header(HeaderNames.CACHE_CONTROL, REVALIDATE);
    send(request, response, JSON.writeValueAsBytes(body));
  }

  private void send(ServerRequest request, ServerResponse response, byte[] body) {
    if (!response.headers().contains(HeaderNames.CONTENT_LENGTH)) {
      response.header(HeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
    }
    guard.begin();
    try {
      response.send(isHead(request) ? new byte[0] : body);
    } finally {
      guard.end();
    }
  }

  private static boolean isHead(ServerRequest request) {
    return request.prologue().method().equals(Method.HEAD);
  }
}
