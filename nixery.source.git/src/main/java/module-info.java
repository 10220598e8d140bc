/**
 * Serves the package sets in a git repository: the tag of an image is a tag, branch or commit.
 *
 * <p>JGit and Apache MINA SSHD, which have no module descriptors, are part of this module.
 *
 * @uses org.eclipse.jgit.transport.SshSessionFactory JGit's
 * @uses org.eclipse.jgit.lib.SignerFactory JGit's
 * @uses org.eclipse.jgit.lib.SignatureVerifierFactory JGit's
 * @uses org.eclipse.jgit.transport.sshd.agent.ConnectorFactory JGit's
 * @uses org.apache.sshd.common.io.IoServiceFactoryFactory MINA SSHD's
 * @provides nixery.api.source.PackageSourceProvider the source named {@code git}
 * @provides org.eclipse.jgit.transport.SshSessionFactory for JGit
 * @provides org.eclipse.jgit.lib.SignerFactory for JGit
 * @provides org.eclipse.jgit.lib.SignatureVerifierFactory for JGit
 */
module nixery.source.git {
  requires nixery.api;
  requires com.googlecode.javaewah;
  requires java.logging;
  requires java.management;
  requires java.rmi;
  requires java.security.jgss;
  requires java.sql;
  requires java.xml;
  requires org.apache.commons.codec;
  requires org.bouncycastle.provider;
  requires org.slf4j;
  requires org.slf4j.jul;

  uses org.apache.sshd.common.io.IoServiceFactoryFactory;
  uses org.eclipse.jgit.lib.SignatureVerifierFactory;
  uses org.eclipse.jgit.lib.SignerFactory;
  uses org.eclipse.jgit.transport.SshSessionFactory;
  uses org.eclipse.jgit.transport.sshd.agent.ConnectorFactory;

  provides nixery.api.source.PackageSourceProvider with
      nixery.source.git.GitSourceProvider;
  provides org.eclipse.jgit.lib.SignatureVerifierFactory with
      org.eclipse.jgit.signing.ssh.SshSignatureVerifierFactory;
  provides org.eclipse.jgit.lib.SignerFactory with
      org.eclipse.jgit.signing.ssh.SshSignerFactory;
  provides org.eclipse.jgit.transport.SshSessionFactory with
      org.eclipse.jgit.transport.sshd.SshdSessionFactory;
}
