/**
 * Keeps layers and manifests in a Google Cloud Storage bucket.
 *
 * <p>Google's client library is part of this module, since its jars are no modules; the services
 * that it looks up are named here by hand.
 *
 * @uses com.google.cloud.storage.StorageFactory
 * @uses com.google.cloud.storage.spi.StorageRpcFactory
 * @uses com.google.auth.http.HttpTransportFactory
 */
module nixery.storage.gcs {
  requires nixery.api;
  requires com.google.common;
  requires com.google.gson;
  requires com.fasterxml.jackson.core;
  requires org.slf4j;
  requires java.logging;
  requires java.sql;
  requires jdk.unsupported;

  uses com.google.cloud.storage.StorageFactory;
  uses com.google.cloud.storage.spi.StorageRpcFactory;
  uses com.google.auth.http.HttpTransportFactory;
}
