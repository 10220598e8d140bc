/** Property tests: what holds of many random values. */
package nixery.property;
