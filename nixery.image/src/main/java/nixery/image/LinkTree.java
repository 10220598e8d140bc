package nixery.image;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The file-system view of packages, as nixpkgs' {@code symlinkJoin} makes it with {@code lndir}:
 * directories are merged, a package's own symbolic links are copied as they are, everything else
 * becomes a symbolic link into the store, and where two packages bring the same, the first wins.
 *
 * <p>It differs where that would be of no use in an image. {@code nix-support} is left out. Where
 * one package has a symbolic link to a directory (such as {@code sbin -> bin}), and another one has
 * a directory or leads elsewhere, the link is replaced by a directory with what both have. A
 * relative link that leads out of its package is replaced by one to its place in the store. A
 * package that is a single file adds nothing.
 *
 * <p>{@code /bin} and {@code /etc} are always directories. What else programs expect of a system is
 * added where no package brings it: {@code /tmp} and {@code /var/tmp} for everybody, {@code /root},
 * {@code /usr/bin/env} if there is {@code /bin/env}, users and groups {@code root} and {@code
 * nobody}, a name service switch by which {@code /etc/hosts} counts, and the name by which Debian
 * knows the TLS roots. Immutable.
 */
public final class LinkTree {

  private static final String LEFT_OUT = "nix-support";

  /** The largest of packages have some 300,000; a million take some 300 MB of memory. */
  private static final int MOST_ENTRIES = 1_000_000;

  private static final int DIRECTORY_MODE = 0755;
  private static final int EVERYBODYS_MODE = 01777;
  private static final int HOME_MODE = 0700;
  private static final int FILE_MODE = 0644;

  private static final String PASSWD =
      """
      root:x:0:0:root:/root:/bin/sh
      nobody:x:65534:65534:nobody:/nonexistent:/bin/false
      """;
  private static final String GROUP =
      """
      root:x:0:
      nobody:x:65534:
      """;
  private static final String NSSWITCH = "hosts: files dns\n";

  private static final String CERTIFICATES = "ca-bundle.crt";
  private static final String DEBIANS_CERTIFICATES = "ca-certificates.crt";

  private final Directory root;

  private LinkTree(Directory root) {
    this.root = root;
  }

  /** What a name stands for. Names and targets are as in {@link RawNames}. */
  private sealed interface Node {}

  /** A directory; changed while the tree is made. */
  private record Directory(int mode, SortedMap<String, Node> entries) implements Node {
    Directory(int mode) {
      this(mode, new TreeMap<>());
    }
  }

  /**
   * A symbolic link.
   *
   * @param source the file or link in the store that it was made for
   */
  private record Link(String target, Optional<Path> source) implements Node {}

  private record TextFile(String text) implements Node {}

  /**
   * Makes the view of some packages.
   *
   * @param packages the packages; where two bring the same file, the first wins
   * @param storeRoot the directory under which {@code nix/store} lies; {@code /} as a rule
   * @return the view
   * @throws UnreadableException if a package cannot be read
   * @throws UnpackableException if there are more files than a layer may link
   */
  public static LinkTree of(List<StorePath> packages, Path storeRoot)
      throws UnreadableException, UnpackableException {
    try {
      return join(packages, StoreFiles.store(storeRoot));
    } catch (UnpackableException e) {
      throw e;
    } catch (IOException e) {
      throw new UnreadableException("the packages cannot be read: " + e, e);
    }
  }

  private static LinkTree join(List<StorePath> packages, Path store) throws IOException {
    Join join = new Join(store);
    for (StorePath path : packages) {
      Path file = store.resolve(path.baseName());
      Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      Optional<Path> directory = StoreFiles.directory(store, file);
      if (directory.isPresent()) {
        join.merge(join.root, directory.get(), false);
      }
    }
    join.root.entries.remove(LEFT_OUT);
    addSystem(join);
    return new LinkTree(join.root);
  }

  private static void addSystem(Join join) throws IOException {
    join.directory(EVERYBODYS_MODE, "tmp");
    join.directory(EVERYBODYS_MODE, "var", "tmp");
    join.directory(HOME_MODE, "root");
    if (join.directory(DIRECTORY_MODE, "bin").entries.containsKey("env")) {
      join.directory(DIRECTORY_MODE, "usr", "bin")
          .entries
          .putIfAbsent("env", new Link("/bin/env", Optional.empty()));
    }
    SortedMap<String, Node> etc = join.directory(DIRECTORY_MODE, "etc").entries;
    etc.putIfAbsent("passwd", new TextFile(PASSWD));
    etc.putIfAbsent("group", new TextFile(GROUP));
    etc.putIfAbsent("nsswitch.conf", new TextFile(NSSWITCH));
    if (etc.get("ssl") instanceof Directory ssl
        && ssl.entries.get("certs") instanceof Directory certificates
        && certificates.entries.containsKey(CERTIFICATES)) {
      certificates.entries.putIfAbsent(
          DEBIANS_CERTIFICATES, new Link(CERTIFICATES, Optional.empty()));
    }
  }

  void write(TarWriter tar) throws IOException {
    write(tar, "", root);
  }

  private static void write(TarWriter tar, String prefix, Directory directory) throws IOException {
    for (Map.Entry<String, Node> entry : directory.entries.entrySet()) {
      String name = prefix + entry.getKey();
      switch (entry.getValue()) {
        case Directory inner -> {
          tar.directory(name, inner.mode);
          write(tar, name + "/", inner);
        }
        case Link link -> tar.symbolicLink(name, link.target);
        case TextFile(String text) -> {
          byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
          tar.file(name, FILE_MODE, bytes.length, new ByteArrayInputStream(bytes));
        }
      }
    }
  }

  /** The making of a tree. */
  private static final class Join {
    private final Path store;
    private final Directory root = new Directory(DIRECTORY_MODE);
    private int entries;

    Join(Path store) {
      this.store = store;
    }

    /**
     * Adds what is in a directory of the store.
     *
     * @param moved whether the directory stands in for a symbolic link. Then relative links in it
     *     are not where they belong, and links to directories are not replaced in their turn, since
     *     they may lead in a circle
     */
    void merge(Directory into, Path directory, boolean moved) throws IOException {
      for (Path child : StoreFiles.children(directory)) {
        String name = RawNames.last(child);
        Node present = into.entries.get(name);
        if (present == null) {
          put(into, name, node(child, moved));
        } else if (present instanceof Directory inner) {
          boolean real = Files.isDirectory(child, LinkOption.NOFOLLOW_LINKS);
          if (real) {
            merge(inner, child, moved);
          } else if (!moved) {
            Optional<Path> behind = StoreFiles.directory(store, child);
            if (behind.isPresent()) {
              merge(inner, behind.get(), true);
            }
          }
        } else if (present instanceof Link link && !moved) {
          mergeWithLink(into, name, link, child);
        }
      }
    }

    private void put(Directory into, String name, Node node) throws IOException {
      into.entries.put(name, node);
      if (++entries > MOST_ENTRIES) {
        throw new UnpackableException(
            "the packages have more than " + MOST_ENTRIES + " files to link");
      }
    }

    private Node node(Path file, boolean moved) throws IOException {
      if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
        Directory directory = new Directory(DIRECTORY_MODE);
        merge(directory, file, moved);
        return directory;
      }
      return link(file, moved);
    }

    private Link link(Path file, boolean moved) throws IOException {
      if (Files.isSymbolicLink(file) && !moved) {
        Path target = Files.readSymbolicLink(file);
        if (target.isAbsolute() || staysInside(target, store.relativize(file).getNameCount() - 2)) {
          return new Link(RawNames.linkText(target), Optional.of(file));
        }
      }
      String place = String.join("/", RawNames.names(store.relativize(file)));
      return new Link(StorePath.STORE_DIRECTORY + "/" + place, Optional.of(file));
    }

    /** Returns whether a relative target of a link that is so deep in its package stays in it. */
    private static boolean staysInside(Path target, int depth) {
      int reached = depth;
      for (Path name : target) {
        switch (name.toString()) {
          case ".." -> reached--;
          case ".", "" -> {}
          default -> reached++;
        }
        if (reached < 0) {
          return false;
        }
      }
      return true;
    }

    /** Makes a directory of a link, where both it and another package's file lead to one. */
    private void mergeWithLink(Directory into, String name, Link link, Path file)
        throws IOException {
      boolean real = Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS);
      if (!real && link(file, false).target.equals(link.target)) {
        return;
      }
      Optional<Path> behind = StoreFiles.directory(store, file);
      if (behind.isPresent()) {
        Optional<Directory> directory = directoryInsteadOf(link);
        if (directory.isPresent()) {
          into.entries.put(name, directory.get());
          merge(directory.get(), behind.get(), !real);
        }
      }
    }

    private Optional<Directory> directoryInsteadOf(Link link) throws IOException {
      Optional<Path> behind =
          link.source.isPresent()
              ? StoreFiles.directory(store, link.source.get())
              : Optional.empty();
      if (behind.isEmpty()) {
        return Optional.empty();
      }
      Directory directory = new Directory(DIRECTORY_MODE);
      merge(directory, behind.get(), true);
      return Optional.of(directory);
    }

    /** Finds a directory, or makes it, in place of a link or file if need be. */
    Directory directory(int mode, String... path) throws IOException {
      Directory reached = root;
      for (int i = 0; i < path.length; i++) {
        Directory found =
            switch (reached.entries.get(path[i])) {
              case Directory directory -> directory;
              case Link link ->
                  directoryInsteadOf(link).orElseGet(() -> new Directory(DIRECTORY_MODE));
              case TextFile _ -> new Directory(DIRECTORY_MODE);
              case null -> new Directory(DIRECTORY_MODE);
            };
        Directory next = new Directory(i < path.length - 1 ? found.mode : mode, found.entries);
        reached.entries.put(path[i], next);
        reached = next;
      }
      return reached;
    }
  }
}
