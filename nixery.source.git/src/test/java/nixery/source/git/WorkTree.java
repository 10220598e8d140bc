package nixery.source.git;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A git repository with a work tree, made with git itself. */
record WorkTree(Path folder) {

  /** Makes an empty repository with the branch {@code main}. */
  static WorkTree init(Path folder) throws IOException {
    Files.createDirectories(folder);
    WorkTree tree = new WorkTree(folder);
    tree.git("init", "-q", "-b", "main", ".");
    return tree;
  }

  /** Makes a repository whose first commit is a package set. */
  static WorkTree withPackageSet(Path folder) throws IOException {
    WorkTree tree = init(folder);
    tree.commit("default.nix", "{ }: { release = 1; }\n");
    return tree;
  }

  String git(String... arguments) {
    return git(new byte[0], arguments);
  }

  String git(byte[] input, String... arguments) {
    String[] command = new String[arguments.length + 1];
    command[0] = "git";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    return Commands.run(folder, input, command);
  }

  WorkTree write(String file, String content) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content);
    return this;
  }

  /** Writes a file and commits everything; returns the commit. */
  String commit(String file, String content) throws IOException {
    write(file, content);
    return commit();
  }

  /** Commits everything; returns the commit. */
  String commit() {
    git("add", "-A");
    git("commit", "-q", "--allow-empty", "-m", "A commit");
    return head();
  }

  String head() {
    return git("rev-parse", "HEAD");
  }

  /** Writes an object as it is, however malformed, and returns its id. */
  String object(String type, byte[] content) {
    return git(content, "hash-object", "-w", "--literally", "--stdin", "-t", type);
  }

  /** Commits a tree that may be malformed, as a branch. */
  String commitTree(String branch, byte[] tree) {
    String commit = git("commit-tree", "-m", "A commit", object("tree", tree));
    git("update-ref", "refs/heads/" + branch, commit);
    return commit;
  }

  /** Returns one entry of a tree object. */
  static byte[] entry(String mode, byte[] name, String id) {
    byte[] start = (mode + " ").getBytes(StandardCharsets.US_ASCII);
    byte[] raw = java.util.HexFormat.of().parseHex(id);
    byte[] entry = new byte[start.length + name.length + 1 + raw.length];
    System.arraycopy(start, 0, entry, 0, start.length);
    System.arraycopy(name, 0, entry, start.length, name.length);
    System.arraycopy(raw, 0, entry, start.length + name.length + 1, raw.length);
    return entry;
  }
}
