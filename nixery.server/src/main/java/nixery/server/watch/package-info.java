/** {@code nixery watch}: has a server build an image, and shows how that goes on. */
package nixery.server.watch;
