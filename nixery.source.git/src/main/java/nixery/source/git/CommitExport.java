package nixery.source.git;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.SourceUnavailableException;
import org.eclipse.jgit.attributes.AttributesNode;
import org.eclipse.jgit.attributes.AttributesNodeProvider;
import org.eclipse.jgit.errors.ConfigInvalidException;
import org.eclipse.jgit.errors.CorruptObjectException;
import org.eclipse.jgit.errors.IncorrectObjectTypeException;
import org.eclipse.jgit.errors.LargeObjectException;
import org.eclipse.jgit.lib.BlobBasedConfig;
import org.eclipse.jgit.lib.Config;
import org.eclipse.jgit.lib.CoreConfig.EolStreamType;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.ObjectChecker;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.ObjectLoader;
import org.eclipse.jgit.lib.ObjectReader;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.treewalk.CanonicalTreeParser;
import org.eclipse.jgit.treewalk.TreeWalk;
import org.eclipse.jgit.treewalk.WorkingTreeOptions;
import org.eclipse.jgit.util.io.EolStreamTypeUtil;

/**
 * Writes the files of a commit into a folder, as a fresh clone would have them.
 *
 * <p>Nothing but the commit decides what is written, not even the user's git configuration. Every
 * file, folder and link is made anew and never through a link: each name is checked as git does,
 * and a name that is there already is an error. For one thread.
 */
final class CommitExport {

  private static final Set<OpenOption> NEW_FILE =
      Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

  /** Nobody writes to an export. */
  private static final FileAttribute<Set<PosixFilePermission>> REGULAR =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r--r--r--"));

  private static final FileAttribute<Set<PosixFilePermission>> EXECUTABLE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r-xr-xr-x"));

  private static final int LONGEST_LINK = 4096;

  private static final int LONGEST_CONFIG = 1 << 20;

  private static final int STREAM_ABOVE = 1 << 20;

  /** Line ends are as they are in the commit, unless its own attributes want carriage returns. */
  private static final WorkingTreeOptions LINE_ENDS = lineEnds();

  private static final AttributesNodeProvider NO_OUTER_ATTRIBUTES =
      new AttributesNodeProvider() {
        @Override
        public AttributesNode getInfoAttributesNode() {
          return new AttributesNode();
        }

        @Override
        public AttributesNode getGlobalAttributesNode() {
          return new AttributesNode();
        }
      };

  private final Repository repository;
  private final Allowance allowance;
  private final ObjectChecker names = new ObjectChecker();
  private final List<Submodule> submodules = new ArrayList<>();
  private Map<String, String> submoduleUrls = Map.of();

  CommitExport(Repository repository, Allowance allowance) {
    this.repository = repository;
    this.allowance = allowance;
  }

  private static WorkingTreeOptions lineEnds() {
    Config config = new Config();
    config.setBoolean("core", null, "autocrlf", false);
    config.setString("core", null, "eol", "lf");
    return config.get(WorkingTreeOptions.KEY);
  }

  /**
   * Writes a commit.
   *
   * @param id of the commit, or of a tag of it
   * @param target an empty folder
   * @return the submodules, which are still empty folders
   * @throws InvalidPackageSetException if it is no commit or cannot be written as files; the
   *     message is a phrase
   * @throws IOException if objects are missing or the disk fails
   */
  List<Submodule> write(ObjectId id, Path target) throws IOException {
    try (ObjectReader reader = repository.newObjectReader();
        RevWalk commits = new RevWalk(reader);
        TreeWalk entries = new TreeWalk(repository, reader)) {
      RevCommit commit = commits.parseCommit(id);
      submoduleUrls = readSubmoduleUrls(reader, commit);
      entries.setOperationType(TreeWalk.OperationType.CHECKOUT_OP);
      entries.setAttributesNodeProvider(NO_OUTER_ATTRIBUTES);
      entries.addTree(commit.getTree());
      List<Path> folders = new ArrayList<>(List.of(target));
      while (entries.next()) {
        if (Thread.currentThread().isInterrupted()) {
          throw new IOException("interrupted");
        }
        int depth = entries.getDepth();
        folders.subList(depth + 1, folders.size()).clear();
        Path path = child(folders.get(depth), entries);
        allowance.takeEntry();
        if (entries.isSubtree()) {
          Files.createDirectory(path);
          folders.add(path);
          entries.enterSubtree();
        } else {
          write(entries, path);
        }
      }
      return submodules;
    } catch (IncorrectObjectTypeException e) {
      throw new InvalidPackageSetException("it is not a commit");
    } catch (CorruptObjectException e) {
      throw new InvalidPackageSetException("it is damaged: " + e.getMessage());
    }
  }

  private Path child(Path folder, TreeWalk entry) throws CorruptObjectException {
    CanonicalTreeParser tree = entry.getTree(0, CanonicalTreeParser.class);
    byte[] raw = new byte[tree.getNameLength()];
    tree.getName(raw, 0);
    names.checkPathSegment(raw, 0, raw.length);
    String name = decode(raw);
    try {
      Path path = folder.resolve(name);
      if (!folder.equals(path.getParent())) {
        throw new InvalidPackageSetException("it has a file of the name '" + name + "'");
      }
      return path;
    } catch (InvalidPathException e) {
      throw new SourceUnavailableException(
          ("The file name '%s' cannot be written in the character set that the server was started"
                  + " with: start it with LC_ALL=C.UTF-8.")
              .formatted(entry.getPathString()),
          e);
    }
  }

  private static String decode(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new InvalidPackageSetException(
          "it has the name '%s', which is not UTF-8"
              .formatted(new String(bytes, StandardCharsets.ISO_8859_1)));
    }
  }

  private void write(TreeWalk entry, Path path) throws IOException {
    switch (entry.getRawMode(0) & FileMode.TYPE_MASK) {
      case FileMode.TYPE_FILE -> writeFile(entry, path);
      case FileMode.TYPE_SYMLINK -> {
        ObjectLoader content = entry.getObjectReader().open(entry.getObjectId(0));
        if (content.getSize() > LONGEST_LINK) {
          throw new InvalidPackageSetException(
              "its link '%s' is too long".formatted(entry.getPathString()));
        }
        writeLink(path, decode(content.getBytes()));
      }
      case FileMode.TYPE_GITLINK -> {
        Files.createDirectory(path);
        String name = entry.getPathString();
        Optional<String> url = Optional.ofNullable(submoduleUrls.get(name));
        submodules.add(new Submodule(name, path, entry.getObjectId(0), url));
      }
      default -> throw new CorruptObjectException("the mode of " + entry.getPathString());
    }
  }

  private void writeFile(TreeWalk entry, Path path) throws IOException {
    ObjectLoader content = entry.getObjectReader().open(entry.getObjectId(0));
    allowance.takeBytes(content.getSize());
    EolStreamType lineEnds =
        EolStreamTypeUtil.detectStreamType(
            TreeWalk.OperationType.CHECKOUT_OP, LINE_ENDS, entry.getAttributes());
    boolean executable = FileMode.EXECUTABLE_FILE.equals(entry.getRawMode(0));
    try (WritableByteChannel file =
        Files.newByteChannel(path, NEW_FILE, executable ? EXECUTABLE : REGULAR)) {
      if (lineEnds == EolStreamType.DIRECT && content.getSize() <= STREAM_ABOVE) {
        ByteBuffer bytes = ByteBuffer.wrap(content.getCachedBytes());
        while (bytes.hasRemaining()) {
          file.write(bytes);
        }
      } else {
        try (OutputStream out =
            EolStreamTypeUtil.wrapOutputStream(Channels.newOutputStream(file), lineEnds)) {
          content.copyTo(out);
        }
      }
    }
  }

  private static void writeLink(Path path, String target) throws IOException {
    try {
      Files.createSymbolicLink(path, path.getFileSystem().getPath(target));
    } catch (InvalidPathException e) {
      throw new InvalidPackageSetException("it has a link that leads to '" + target + "'");
    }
  }

  private Map<String, String> readSubmoduleUrls(ObjectReader reader, RevCommit commit)
      throws IOException {
    try (TreeWalk file = TreeWalk.forPath(reader, ".gitmodules", commit.getTree())) {
      if (file == null || (file.getRawMode(0) & FileMode.TYPE_MASK) != FileMode.TYPE_FILE) {
        return Map.of();
      }
      Config modules =
          new BlobBasedConfig(
              null, reader.open(file.getObjectId(0)).getCachedBytes(LONGEST_CONFIG));
      Map<String, String> urls = new HashMap<>();
      for (String name : modules.getSubsections("submodule")) {
        String path = modules.getString("submodule", name, "path");
        String url = modules.getString("submodule", name, "url");
        String update = modules.getString("submodule", name, "update");
        if (path != null && url != null && !"none".equals(update)) {
          urls.put(path, url);
        }
      }
      return urls;
    } catch (ConfigInvalidException | LargeObjectException e) {
      throw new InvalidPackageSetException("its .gitmodules cannot be read");
    }
  }
}
