/**
 * From a closure to an image: {@code ReferenceGraph -> LayeringStrategy -> Layer -> LayerPacker ->
 * ImageDocuments}. Everything here is a pure function of its input: the same contents give the same
 * bytes on every host.
 */
package nixery.image;
