/** Drives Nix: names to derivations, derivations to outputs, outputs to closures. */
package nixery.server.nix;
