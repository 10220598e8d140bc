package nixery.api;

import java.util.List;

/** What storage backends and package sources have in common. */
public interface Plugin {

  /**
   * The version of the interfaces in this module. It grows when a plugin must be changed and
   * compiled again to work. As a compile-time constant it is copied into the plugin's class file,
   * so that {@link #apiVersion()} tells what the plugin was built for.
   */
  int API_VERSION = 1;

  /** Returns {@link #API_VERSION}; no implementation has a reason to return anything else. */
  int apiVersion();

  /**
   * Returns the name by which people know this plugin: lower-case letters, digits and hyphens. It
   * is unique among the plugins of its kind in one runtime.
   */
  String name();

  /**
   * Returns every setting that this plugin reads, in the order in which they should be documented.
   * The server reads them to print the reference, to tell unknown variables from known ones, and to
   * keep secrets from the processes that it starts. Called before the plugin is opened.
   */
  List<Setting<?>> settings();
}
