package nixery.storage.gcs.fake;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;

/** One request and its answer, with what goes wrong on the way. */
final class Call {

  private final HttpExchange exchange;
  private final Map<String, String> query = new TreeMap<>();
  private final Optional<Faults.Kind> fault;

  Call(HttpExchange exchange, Optional<Faults.Kind> fault) {
    this.exchange = exchange;
    this.fault = fault;
    String raw = Optional.ofNullable(exchange.getRequestURI().getRawQuery()).orElse("");
    Arrays.stream(raw.split("&", -1))
        .filter(part -> !part.isEmpty())
        .map(part -> part.split("=", 2))
        .forEach(part -> query.put(decode(part[0]), part.length == 1 ? "" : decode(part[1])));
  }

  static String decode(String text) {
    return URLDecoder.decode(text, UTF_8);
  }

  static String describe(HttpExchange exchange) {
    return exchange.getRequestMethod() + " " + exchange.getRequestURI();
  }

  HttpExchange exchange() {
    return exchange;
  }

  boolean has(Faults.Kind kind) {
    return fault.filter(kind::equals).isPresent();
  }

  /** Returns the method, or the one that is meant by it. */
  String method() {
    return header("X-HTTP-Method-Override").orElse(exchange.getRequestMethod());
  }

  String rawPath() {
    return exchange.getRequestURI().getRawPath();
  }

  Optional<String> query(String name) {
    return Optional.ofNullable(query.get(name));
  }

  Optional<String> header(String name) {
    return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
  }

  /** Returns the body, which ends in the middle if that is what goes wrong. */
  InputStream body() throws IOException {
    InputStream raw = exchange.getRequestBody();
    if (has(Faults.Kind.CUT_REQUEST)) {
      long length = header("Content-Length").map(Long::parseLong).orElse(0L);
      raw = new CutStream(raw, length / 2);
    }
    return header("Content-Encoding").filter("gzip"::equals).isPresent()
        ? new GZIPInputStream(raw)
        : raw;
  }

  /** Reads what is left of the body, without which the client would not read the answer. */
  void drain() {
    try {
      exchange.getRequestBody().readAllBytes();
    } catch (IOException e) {
      // It was read and closed before, or the client is gone.
    }
  }

  JsonObject json() throws IOException {
    return JsonParser.parseString(new String(body().readAllBytes(), UTF_8)).getAsJsonObject();
  }

  void set(String header, String value) {
    exchange.getResponseHeaders().set(header, value);
  }

  void answer(int status, JsonObject json) throws IOException {
    answer(status, "application/json; charset=UTF-8", json.toString());
  }

  void answer(int status, String type, String text) throws IOException {
    byte[] bytes = text.getBytes(UTF_8);
    cutAnswer();
    set("Content-Type", type);
    if (exchange.getRequestMethod().equals("HEAD")) {
      set("Content-Length", Integer.toString(bytes.length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  void answer(int status) throws IOException {
    cutAnswer();
    exchange.sendResponseHeaders(status, -1);
  }

  private void cutAnswer() throws EOFException {
    if (has(Faults.Kind.CUT_ANSWER)) {
      throw new EOFException("the answer is cut");
    }
  }

  /** Answers with a file or a part of it. */
  void answer(Path file, long from, long to, int status) throws IOException {
    long length = to - from;
    if (exchange.getRequestMethod().equals("HEAD")) {
      set("Content-Length", Long.toString(length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, length == 0 ? -1 : length);
    long left = has(Faults.Kind.CUT_ANSWER) ? length / 2 : length;
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      in.skipNBytes(from);
      OutputStream out = exchange.getResponseBody();
      while (left > 0) {
        int n = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
        out.write(buffer, 0, n);
        left -= n;
      }
      out.flush();
    }
    cutAnswer();
  }

  private static final class CutStream extends FilterInputStream {
    private long left;

    CutStream(InputStream in, long length) {
      super(in);
      this.left = length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int count) throws IOException {
      if (left == 0) {
        throw new EOFException("the request is cut");
      }
      int n = in.read(buffer, offset, (int) Math.min(count, left));
      left -= Math.max(0, n);
      return n;
    }
  }
}
