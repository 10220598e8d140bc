package nixery.server.nix;

import java.util.List;

/** What a package set has under a name. */
public sealed interface Resolved {

  /**
   * A package.
   *
   * @param attribute the attribute path that the name led to, such as {@code gitAndTools.hub}
   * @param derivation the store path of its derivation, which is in the store
   * @param outputs the outputs that are to be installed, at least one; they need not be in the
   *     store
   */
  record Found(String attribute, String derivation, List<Output> outputs) implements Resolved {

    /** Copies the list. */
    public Found {
      outputs = List.copyOf(outputs);
    }
  }

  /**
   * Nothing, or several things that differ in the case of their letters only.
   *
   * @param nearMatches a few names that the client may have meant, best first
   */
  record Unknown(List<String> nearMatches) implements Resolved {

    /** Copies the list. */
    public Unknown {
      nearMatches = List.copyOf(nearMatches);
    }
  }

  /**
   * Something that cannot be installed.
   *
   * @param what what it is, such as {@code a function}
   */
  record NotAPackage(String what) implements Resolved {}

  /**
   * Something that Nix cannot evaluate.
   *
   * @param message Nix's own message, of 4096 characters at most, with the paths of this machine
   *     shortened
   */
  record Broken(String message) implements Resolved {}
}
