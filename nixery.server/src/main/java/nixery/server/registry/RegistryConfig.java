package nixery.server.registry;

import java.time.Duration;
import nixery.api.ConfigurationException;

/**
 * How a {@link RegistryServer} listens.
 *
 * @param host the name or address to listen on, such as {@code 0.0.0.0} for all of IPv4
 * @param port the TCP port; 0 takes any free one
 * @param drain how long {@link RegistryServer#close} lets running requests go on
 * @param stall how long a client may take to send the headers of a request, or to read 256 KiB of
 *     an answer, before it is cut off; how long it waits for a build does not count
 * @param maxConnections how many connections are served at a time; more wait in the backlog. A
 *     third of the file descriptors that the process may have is the limit in any case
 * @param maxRequests how many requests to the registry are answered at a time; the others get
 *     status 429
 */
public record RegistryConfig(
    String host, int port, Duration drain, Duration stall, int maxConnections, int maxRequests) {

  /** Checks the ranges. */
  public RegistryConfig {
    if (port < 0 || port > 65535) {
      throw new ConfigurationException("PORT is " + port + "; choose one from 1 to 65535.");
    }
    if (drain.isNegative() || !stall.isPositive() || maxConnections < 1 || maxRequests < 1) {
      throw new IllegalArgumentException(
          drain + ", " + stall + ", " + maxConnections + ", " + maxRequests);
    }
  }

  /**
   * Takes the defaults: 30 seconds to drain, 2 minutes until a client is cut off, 2000 connections,
   * 1000 requests.
   *
   * @param host the name or address to listen on
   * @param port the TCP port; 0 takes any free one
   */
  public RegistryConfig(String host, int port) {
    this(host, port, Duration.ofSeconds(30), Duration.ofMinutes(2), 2000, 1000);
  }
}
