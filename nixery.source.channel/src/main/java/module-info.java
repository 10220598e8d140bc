/**
 * Serves nixpkgs as its channels and commits are published: tarballs over HTTP, locked to a
 * revision, unpacked once.
 *
 * @provides nixery.api.source.PackageSourceProvider the source that {@code NIXERY_CHANNEL} selects
 */
module nixery.source.channel {
  requires java.net.http;
  requires nixery.api;
  requires org.tukaani.xz;

  provides nixery.api.source.PackageSourceProvider with
      nixery.source.channel.ChannelSourceProvider;
}
