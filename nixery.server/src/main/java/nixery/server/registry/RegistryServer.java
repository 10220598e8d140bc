package nixery.server.registry;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import com.sun.management.UnixOperatingSystemMXBean;
import io.helidon.common.socket.SocketOptions;
import io.helidon.http.DirectHandler;
import io.helidon.http.DirectHandler.EventType;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.service.registry.GlobalServiceRegistry;
import io.helidon.service.registry.ServiceRegistryConfig;
import io.helidon.service.registry.ServiceRegistryManager;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http1.Http1Config;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import nixery.api.ConfigurationException;
import nixery.server.build.Images;
import nixery.server.log.RequestId;
import nixery.server.metrics.Metrics;

/**
 * Listens on a port and serves images there. Each connection has a virtual thread, so that slow
 * clients and long builds cost little and hold up nobody else.
 */
public final class RegistryServer implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(RegistryServer.class.getName());

  /** Holds a name of 255 characters, each percent-encoded, and much of a query. */
  private static final int MAX_REQUEST_LINE = 8 * 1024;

  /** Tokens of some clouds have a dozen KiB. */
  private static final int MAX_HEADERS = 32 * 1024;

  /** Requests do not end while they wait for a build, however long that takes. */
  private static final Duration IDLE = Duration.ofMinutes(5);

  private final RegistryConfig config;
  private final InetSocketAddress address;
  private final WebServer server;
  private final StallGuard guard;

  /**
   * Prepares to serve.
   *
   * @param images what to serve
   * @param config where and how
   * @param metrics gets what is measured
   * @param services what to serve beside the registry, outside of {@code /v2}; they register their
   *     {@link nixery.server.metrics.Route} in the request's context, and answer soon, or tell the
   *     {@link StallGuard} that is there when they do not wait for the client
   * @throws ConfigurationException if there is no such host
   */
  public RegistryServer(
      Images images, RegistryConfig config, Metrics metrics, HttpService... services) {
    this.config = config;
    address = new InetSocketAddress(config.host(), config.port());
    if (address.isUnresolved()) {
      throw new ConfigurationException(
          cannotListen(config) + ": this machine does not know the name.");
    }
    findNoServices();
    guard = new StallGuard(config.stall());
    AcceptedSockets sockets = new AcceptedSockets(SocketOptions.builder().tcpNoDelay(true).build());
    RegistryHandler registry = new RegistryHandler(images, guard, sockets, config.maxRequests());
    server =
        WebServer.builder()
            .host(config.host())
            .port(config.port())
            // Plain sockets take what they are given; channels are fed 8 KiB at a time.
            .useNio(false)
            .writeBufferSize(0)
            .connectionOptions(sockets)
            .maxTcpConnections(maxConnections(config))
            .idleConnectionTimeout(IDLE)
            .idleConnectionPeriod(IDLE.dividedBy(10))
            .shutdownGracePeriod(config.drain())
            .shutdownHook(false)
            .protocolsDiscoverServices(false)
            .addConnectionSelector(new Http1Selector(http1(guard)))
            .directHandlers(directHandlers(metrics))
            .routing(routing ->
                routing
                    .addFilter((chain, _, response) -> closeIfAnnounced(chain, response))
                    .addFilter(new AccessLog(metrics))
                    .addFilter((chain, request, response) ->
                        routeAsSent(registry, chain, request, response))
                    .addFilter((chain, request, response) -> guardServices(guard, chain, request))
                    .register(services)
                    .error(
                        RuntimeException.class,
                        (request, response, e) ->
                            answerForService(new Exchange(request, response, guard), e))
                    .any(registry))
            .build();
  }

  /**
   * Starts to listen.
   *
   * @return this, which runs until it is closed
   * @throws ConfigurationException if it cannot listen there; it is closed then
   */
  public RegistryServer start() {
    try {
      requireFree();
      server.start();
      if (!server.isRunning()) {
        throw new ConfigurationException(cannotListen(config) + "; the log says why.");
      }
    } catch (ConfigurationException e) {
      close();
      throw e;
    }
    return this;
  }

  /**
   * Keeps Helidon from looking through all modules for services of its own, none of which is used
   * here: that takes more time than all else until the server listens. It is for the whole process.
   * Without them Helidon has no mappers: values of queries, paths and headers are texts, and what
   * would convert them, such as {@code first(name).asInt()} of a query, fails.
   */
  private static void findNoServices() {
    GlobalServiceRegistry.registry(() ->
        ServiceRegistryManager.create(
                ServiceRegistryConfig.builder()
                    .discoverServices(false)
                    .discoverServicesFromServiceLoader(false)
                    .build())
            .registry());
  }

  private static Http1Config http1(StallGuard guard) {
    return Http1Config.builder()
        .maxPrologueLength(MAX_REQUEST_LINE)
        .maxHeadersSize(MAX_HEADERS)
        .sendKeepAliveHeader(false)
        .addReceiveListener(new ConnectionHooks.Receiving(guard))
        .addSendListener(new ConnectionHooks.Sending())
        .build();
  }

  /**
   * Returns the port that it listens on.
   *
   * @return a port from 1 on
   */
  public int port() {
    return server.port();
  }

  /**
   * Stops to listen, waits for running requests until the time to drain is over, and cuts off what
   * is left.
   */
  @Override
  public void close() {
    server.stop();
    guard.close();
  }

  /** Finds out beforehand what Helidon would only log, with a stack trace. */
  private void requireFree() {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(address);
    } catch (IOException e) {
      throw new ConfigurationException(
          cannotListen(config)
              + ": "
              + e.getMessage()
              + ". Stop what listens there, or set PORT to another port.",
          e);
    }
  }

  private static String cannotListen(RegistryConfig config) {
    return "Cannot listen on port " + config.port() + " of " + config.host();
  }

  /**
   * Helidon stops listening for good when it cannot accept a connection for want of file
   * descriptors. Each connection has one and perhaps another for a file.
   */
  private static int maxConnections(RegistryConfig config) {
    if (!(ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix)) {
      return config.maxConnections();
    }
    int limit = Math.clamp(unix.getMaxFileDescriptorCount() / 3, 1, Integer.MAX_VALUE);
    if (limit < config.maxConnections()) {
      LOG.log(
          WARNING,
          "Only {0} connections are served at a time, since the process may open no more than {1}"
              + " files.",
          limit,
          unix.getMaxFileDescriptorCount());
    }
    return Math.min(limit, config.maxConnections());
  }

  private static DirectHandlers directHandlers(Metrics metrics) {
    DirectHandlers.Builder builder = DirectHandlers.builder();
    for (EventType type : EventType.values()) {
      builder.addHandler(
          type,
          (request, _, status, headers, message) -> {
            DirectHandler.TransportResponse response = refuse(request, status, headers, message);
            metrics.refused(response.status().code());
            return response;
          });
    }
    return builder.build();
  }

  /**
   * Closes the connection after an answer that says so (RFC 9112, section 9.6). Helidon passes on
   * what a client wishes, but leaves the closing to the client.
   */
  private static void closeIfAnnounced(FilterChain chain, RoutingResponse response) {
    chain.proceed();
    if (response.headers().containsToken(HeaderValues.CONNECTION_CLOSE)) {
      throw new CloseConnectionException("announced by the answer");
    }
  }

  /**
   * Keeps from the services what Helidon would have to resolve first, such as {@code
   * /v2/../builds}: a proxy that lets only {@code /v2/} through may have taken it for something
   * else. The registry has no such path and says so.
   */
  private static void routeAsSent(
      RegistryHandler registry,
      FilterChain chain,
      RoutingRequest request,
      RoutingResponse response) {
    if (Endpoint.isPlain(request.prologue().uriPath().rawPath())) {
      chain.proceed();
    } else {
      registry.handle(request, response);
    }
  }

  /** Cuts off clients that stall; the registry sees to that itself. */
  private static void guardServices(StallGuard guard, FilterChain chain, RoutingRequest request) {
    if (Endpoint.isOfRegistry(request.prologue().uriPath().rawPath())) {
      chain.proceed();
      return;
    }
    request.context().register(guard);
    guard.begin();
    try {
      chain.proceed();
    } finally {
      guard.end();
    }
  }

  /** Answers what a service should have answered; the registry does so itself. */
  private static void answerForService(Exchange exchange, RuntimeException defect) {
    LOG.log(ERROR, "internal failure", defect);
    String id = RequestId.current().map(RequestId::value).orElseThrow();
    exchange.sendError(ErrorResponse.internal(id));
  }

  /** Answers what does not get as far as {@link RegistryHandler}: it is not even proper HTTP. */
  private static DirectHandler.TransportResponse refuse(
      DirectHandler.TransportRequest request,
      Status status,
      ServerResponseHeaders headers,
      String message) {
    LOG.log(
        DEBUG,
        "refused with status {0}: {1}",
        status.code(),
        Text.printable(message == null ? "" : message));
    ErrorResponse error =
        switch (status.code()) {
          case 414 ->
              new ErrorResponse(
                  414,
                  "NAME_INVALID",
                  "The request line has more than " + MAX_REQUEST_LINE + " bytes.");
          case 500 -> new ErrorResponse(500, "UNKNOWN", "The server failed.");
          case 503 ->
              ErrorResponse.later(429, "TOOMANYREQUESTS", "Too many requests; try again soon.");
          default ->
              new ErrorResponse(
                  status.code(), "UNSUPPORTED", "The request is not proper HTTP/1.1.");
        };
    DirectHandler.TransportResponse.Builder response =
        DirectHandler.TransportResponse.builder()
            .headers(headers)
            .status(Status.create(error.status()))
            .keepAlive(false)
            .header(HeaderNames.CONTENT_TYPE, "application/json")
            .header(HeaderNames.CACHE_CONTROL, "no-store");
    error
        .retryAfter()
        .ifPresent(seconds -> response.header(HeaderNames.RETRY_AFTER, Integer.toString(seconds)));
    return request.method().equals("HEAD")
        ? response.build()
        : response.entity(error.body()).build();
  }
}
