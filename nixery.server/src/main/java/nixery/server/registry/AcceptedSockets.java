package nixery.server.registry;

import static java.lang.System.Logger.Level.DEBUG;

import io.helidon.common.socket.PeerInfo;
import io.helidon.common.socket.SocketOptions;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Knows the channels of the connections that were accepted, so that files can be sent by the
 * operating system alone. Helidon hands each of them to the {@link SocketOptions} that it should be
 * configured with, and to nobody else.
 *
 * <p>A channel is found by the addresses of its connection, which a new connection can have as soon
 * as the old one has ended. Still no bytes can get into the new one: the channel is looked up
 * before the first write of a transfer, which goes through Helidon's own socket, and that fails if
 * the connection has ended.
 */
final class AcceptedSockets implements SocketOptions {

  private static final System.Logger LOG = System.getLogger(AcceptedSockets.class.getName());

  /** After how many connections the ended ones are forgotten. */
  private static final int SWEEP = 256;

  /** No two connections that are open at the same time have the same. */
  private record Addresses(SocketAddress local, SocketAddress remote) {}

  private final SocketOptions options;
  private final Map<Addresses, SocketChannel> channels = new ConcurrentHashMap<>();
  private final AtomicInteger accepted = new AtomicInteger();

  /**
   * Creates one.
   *
   * @param options what to configure connections with
   */
  AcceptedSockets(SocketOptions options) {
    this.options = options;
  }

  @Override
  public void configureSocket(SocketChannel channel) {
    options.configureSocket(channel);
    if (accepted.incrementAndGet() % SWEEP == 0) {
      channels.values().removeIf(known -> !known.isOpen());
    }
    try {
      channels.put(new Addresses(channel.getLocalAddress(), channel.getRemoteAddress()), channel);
    } catch (IOException e) {
      LOG.log(DEBUG, "a connection was closed as soon as it was accepted", e);
    }
  }

  /**
   * Finds the channel of a connection.
   *
   * @param local this side of it
   * @param remote the other side
   * @return the channel, in blocking mode; empty if it is not known
   */
  Optional<SocketChannel> find(PeerInfo local, PeerInfo remote) {
    return Optional.ofNullable(channels.get(new Addresses(local.address(), remote.address())))
        .filter(SocketChannel::isOpen);
  }

  @Override
  public Map<SocketOption<?>, Object> socketOptions() {
    return options.socketOptions();
  }

  @Override
  public Duration connectTimeout() {
    return options.connectTimeout();
  }

  @Override
  public Duration readTimeout() {
    return options.readTimeout();
  }

  @Override
  public Optional<Integer> socketReceiveBufferSize() {
    return options.socketReceiveBufferSize();
  }

  @Override
  public Optional<Integer> socketSendBufferSize() {
    return options.socketSendBufferSize();
  }

  @Override
  public boolean socketReuseAddress() {
    return options.socketReuseAddress();
  }

  @Override
  public boolean socketKeepAlive() {
    return options.socketKeepAlive();
  }

  @Override
  public boolean tcpNoDelay() {
    return options.tcpNoDelay();
  }
}
