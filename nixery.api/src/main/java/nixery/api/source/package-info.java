/** Where package sets come from: the package source plugins' side. */
package nixery.api.source;
