package nixery.source.git;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Gives each test a repository with a package set, a web server for it, and a user's home. */
abstract class HttpRepository {

  @TempDir Path folder;

  UserHome home;
  WorkTree tree;
  HttpGitServer http;

  @BeforeEach
  void makeRepository() throws IOException {
    home = UserHome.in(folder.resolve("home"));
    tree = WorkTree.withPackageSet(folder.resolve("repos/set"));
    http = HttpGitServer.start(folder.resolve("repos"));
  }

  @AfterEach
  void stop() {
    http.close();
    home.close();
  }
}
