/**
 * Keeps layers and manifests in a Google Cloud Storage bucket, from which clients download them
 * directly.
 *
 * <p>Google's client library is part of this module, since its jars are no modules; the services
 * that it looks up are named here by hand.
 *
 * @uses com.google.cloud.storage.StorageFactory
 * @uses com.google.cloud.storage.spi.StorageRpcFactory
 * @uses com.google.auth.http.HttpTransportFactory
 * @provides nixery.api.storage.StorageProvider
 */
module nixery.storage.gcs {
  requires nixery.api;

  // What Google's client needs.
  requires com.fasterxml.jackson.core;
  requires com.google.common;
  requires com.google.gson;
  requires java.logging;
  requires java.sql;
  requires jdk.unsupported;
  requires org.slf4j;
  requires org.slf4j.jul;

  uses com.google.cloud.storage.StorageFactory;
  uses com.google.cloud.storage.spi.StorageRpcFactory;
  uses com.google.auth.http.HttpTransportFactory;

  provides nixery.api.storage.StorageProvider with
      nixery.storage.gcs.GcsStorageProvider;
}
