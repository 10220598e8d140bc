/** How anything can fail: one code, one kind. The registry turns the code into an HTTP answer. */
package nixery.server.failure;
