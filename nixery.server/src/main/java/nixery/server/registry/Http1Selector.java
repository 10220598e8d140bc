package nixery.server.registry;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.common.buffers.DataWriter;
import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.PeerInfo;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ListenerContext;
import io.helidon.webserver.ProxyProtocolData;
import io.helidon.webserver.Router;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;

/**
 * Takes every connection for HTTP/1.1, and also for HTTP/1.0, which Helidon refuses but nginx
 * speaks to what it is a proxy for unless it is told otherwise. A request of HTTP/1.0 is passed on
 * as one of HTTP/1.1 after which the connection is closed; all answers have a length, so the client
 * cannot tell the difference. As this is the only selector, what is not HTTP at all, such as a TLS
 * handshake, is answered with status 400 instead of silence.
 */
final class Http1Selector implements ServerConnectionSelector {

  private static final String OLD_VERSION = " HTTP/1.0\r";

  private final Http1ConnectionSelector http1;
  private final Http1Config config;

  /**
   * Creates one.
   *
   * @param config of HTTP/1.1
   */
  Http1Selector(Http1Config config) {
    this.http1 = Http1ConnectionSelector.builder().config(config).build();
    this.config = config;
  }

  @Override
  public int bytesToIdentifyConnection() {
    return 0;
  }

  @Override
  public Support supports(BufferData data) {
    return Support.SUPPORTED;
  }

  @Override
  public Set<String> supportedApplicationProtocols() {
    return http1.supportedApplicationProtocols();
  }

  @Override
  public ServerConnection connection(ConnectionContext context) {
    return http1.connection(
        new Rewriting(context, DataReader.create(new Requests(context.dataReader()))));
  }

  /** The bytes that a client sends. */
  private final class Requests implements Supplier<byte[]> {

    private final DataReader received;
    private boolean begun;

    Requests(DataReader received) {
      this.received = received;
    }

    /** Returns some bytes, or null after the last, as Helidon wants it. */
    @Override
    public byte[] get() {
      return begun ? next() : first();
    }

    private byte[] first() {
      begun = true;
      String head = more("", "\n", config.maxPrologueLength());
      int end = head.indexOf('\n');
      if (end >= 0 && head.substring(0, end).endsWith(OLD_VERSION)) {
        head = modern(more(head, "\r\n\r\n", config.maxHeadersSize()), end);
      }
      return head.isEmpty() ? null : head.getBytes(StandardCharsets.ISO_8859_1);
    }

    private String more(String received, String end, int limit) {
      StringBuilder head = new StringBuilder(received);
      int searched = 0;
      while (head.indexOf(end, searched) < 0 && head.length() <= limit) {
        searched = Math.max(0, head.length() - end.length());
        byte[] bytes = next();
        if (bytes == null) {
          break;
        }
        head.append(new String(bytes, StandardCharsets.ISO_8859_1));
      }
      return head.toString();
    }

    private static String modern(String head, int endOfLine) {
      String line = head.substring(0, endOfLine - OLD_VERSION.length());
      String headers = head.substring(endOfLine + 1);
      boolean host = ("\n" + headers).toLowerCase(Locale.ROOT).contains("\nhost:");
      return line
          + " HTTP/1.1\r\nConnection: close\r\n"
          + (host ? "" : "Host: localhost\r\n")
          + headers;
    }

    private byte[] next() {
      try {
        received.ensureAvailable();
        return received.readBytes(received.available());
      } catch (DataReader.InsufficientDataAvailableException e) {
        return null;
      }
    }
  }

  /** A connection whose received bytes are others. */
  private record Rewriting(ConnectionContext context, DataReader dataReader)
      implements ConnectionContext {

    @Override
    public ListenerContext listenerContext() {
      return context.listenerContext();
    }

    @Override
    public ExecutorService executor() {
      return context.executor();
    }

    @Override
    public DataWriter dataWriter() {
      return context.dataWriter();
    }

    @Override
    public Router router() {
      return context.router();
    }

    @Override
    public Optional<ProxyProtocolData> proxyProtocolData() {
      return context.proxyProtocolData();
    }

    @Override
    public HelidonSocket serverSocket() {
      return context.serverSocket();
    }

    @Override
    public PeerInfo remotePeer() {
      return context.remotePeer();
    }

    @Override
    public PeerInfo localPeer() {
      return context.localPeer();
    }

    @Override
    public boolean isSecure() {
      return context.isSecure();
    }

    @Override
    public String socketId() {
      return context.socketId();
    }

    @Override
    public String childSocketId() {
      return context.childSocketId();
    }
  }
}
