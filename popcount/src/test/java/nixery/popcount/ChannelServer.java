package nixery.popcount;

import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.helidon.webserver.http2.Http2Config;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/**
 * Publishes a channel and its binary cache out of memory, over HTTP/2 or 1.1, and can be told to
 * misbehave.
 */
final class ChannelServer implements AutoCloseable {

  static final String REVISION = "0123456789abcdef0123456789abcdef01234567";

  private final Map<String, Handler> answers = new ConcurrentHashMap<>();
  private final Queue<String> narInfos = new ConcurrentLinkedQueue<>();
  private final Map<String, AtomicInteger> protocols = new ConcurrentHashMap<>();
  private final WebServer server;

  ChannelServer() {
    this(8192);
  }

  /** Allows so many requests at the same time in one connection. */
  ChannelServer(int streams) {
    server =
        WebServer.builder()
            .host("127.0.0.1")
            .port(0)
            .addProtocol(Http2Config.builder().maxConcurrentStreams(streams).build())
            .shutdownHook(false)
            .routing(routing -> routing.get("/*", this::handle))
            .build()
            .start();
    answer("/cache/nix-cache-info", text("StoreDir: /nix/store\nWantMassQuery: 1\n"));
  }

  private void handle(ServerRequest request, ServerResponse response) throws Exception {
    String path = request.path().path();
    protocols
        .computeIfAbsent(request.prologue().protocolVersion(), _ -> new AtomicInteger())
        .incrementAndGet();
    if (path.endsWith(".narinfo")) {
      narInfos.add(path);
    }
    answers.getOrDefault(path, status(404)).handle(request, response);
  }

  String origin() {
    return "http://127.0.0.1:" + server.port();
  }

  String channels() {
    return origin() + "/channels";
  }

  String cache() {
    return origin() + "/cache";
  }

  void answer(String path, Handler handler) {
    answers.put(path, handler);
  }

  void answerNarInfo(NarInfo info, Handler handler) {
    answer("/cache/" + info.path().hash() + ".narinfo", handler);
  }

  /** Publishes a release with these paths, their narinfos, and a channel that points to it. */
  void publish(String channel, List<NarInfo> infos) {
    StringBuilder list = new StringBuilder();
    for (NarInfo info : infos) {
      list.append(info.path()).append('\n');
      answerNarInfo(info, text(Packages.text(info)));
    }
    publishList(channel, list.toString());
  }

  void publishList(String channel, String list) {
    String release = "/releases/" + channel + "-1";
    answer(release + "/store-paths.xz", bytes(xz(list)));
    answer(release + "/git-revision", text(REVISION));
    answer("/channels/" + channel + "/store-paths.xz", redirect(release + "/store-paths.xz"));
  }

  static byte[] xz(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new XZOutputStream(bytes, new LZMA2Options(1))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static Handler text(String text) {
    return bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  static Handler bytes(byte[] bytes) {
    return (_, response) -> response.send(bytes);
  }

  static Handler status(int status) {
    return (_, response) -> response.status(Status.create(status)).send();
  }

  static Handler redirect(String location) {
    return (_, response) ->
        response.status(Status.FOUND_302).header(HeaderNames.LOCATION, location).send();
  }

  /** Answers a few times in one way before it answers in another. */
  static Handler first(int times, Handler first, Handler then) {
    AtomicInteger left = new AtomicInteger(times);
    return (request, response) ->
        (left.getAndDecrement() > 0 ? first : then).handle(request, response);
  }

  /** Returns the requests for narinfos so far, and forgets them. */
  List<String> narInfoRequests() {
    List<String> all = List.copyOf(narInfos);
    narInfos.clear();
    return all;
  }

  int narInfoRequestCount() {
    return narInfos.size();
  }

  /** Returns how many requests there were over a version of HTTP. */
  int requestsOver(String version) {
    return protocols.getOrDefault(version, new AtomicInteger()).get();
  }

  @Override
  public void close() {
    server.stop();
  }
}
