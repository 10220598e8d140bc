/** The command {@code popcount}, which counts how popular each package of a channel is. */
module nixery.popcount {
  requires java.net.http;
  requires nixery.image;
  requires org.tukaani.xz;
}
