package nixery.server;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import nixery.server.build.ImageService;
import nixery.server.registry.RegistryServer;

/** What serves, and how it stops: first said, then done, at last forced. */
final class Serving {

  private static final System.Logger LOG = System.getLogger(Serving.class.getName());

  private final RegistryServer registry;
  private final ImageService images;
  private final AtomicBoolean stopping;
  private final Duration drain;
  private final Duration grace;

  /**
   * Takes what is running.
   *
   * @param registry which has at least the grace period for its running requests
   * @param images which build
   * @param stopping to be set when the server is not ready any more
   * @param drain how long to go on as before after that
   * @param grace how long what is going on may then take to finish
   */
  Serving(
      RegistryServer registry,
      ImageService images,
      AtomicBoolean stopping,
      Duration drain,
      Duration grace) {
    this.registry = registry;
    this.images = images;
    this.stopping = stopping;
    this.drain = drain;
    this.grace = grace;
  }

  /**
   * Says that the server is not ready any more, waits until those who look have seen it, stops
   * listening, lets builds and downloads finish, and stops those that do not. Who waits for a build
   * is told to come back later; another server on the same storage can take it over at once.
   */
  void stop() {
    stopping.set(true);
    LOG.log(
        System.Logger.Level.INFO,
        "stopping: listens for {0} s more, and waits up to {1} s for what is going on; a second"
            + " signal ends it at once",
        drain.toSeconds(),
        grace.toSeconds());
    try {
      Thread.sleep(drain);
      Thread listener = Thread.ofPlatform().name("stop-listening").start(registry::close);
      if (!images.finish(grace)) {
        LOG.log(System.Logger.Level.WARNING, "builds that have not finished are stopped");
      }
      images.close();
      listener.join();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts this thread", e);
    }
  }
}
