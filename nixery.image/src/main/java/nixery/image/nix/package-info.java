/** Builds images inside Nix builds: what the Nix function in the project's folder nix runs. */
package nixery.image.nix;
