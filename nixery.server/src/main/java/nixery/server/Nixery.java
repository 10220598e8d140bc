package nixery.server;

import nixery.api.Settings;

final class Nixery implements AutoCloseable {
  static Nixery start(Settings settings, Plugins plugins) {
    throw new UnsupportedOperationException(settings.names() + " " + plugins);
  }

  String greeting() {
    return "";
  }

  @Override
  public void close() {}
}
