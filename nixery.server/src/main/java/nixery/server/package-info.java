/** The program: its settings, the plugins it finds, and how everything is put together. */
package nixery.server;
