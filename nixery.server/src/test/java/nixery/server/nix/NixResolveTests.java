package nixery.server.nix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.nix.Resolved.Broken;
import nixery.server.nix.Resolved.Found;
import nixery.server.nix.Resolved.NotAPackage;
import nixery.server.nix.Resolved.Unknown;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

@ParameterizedClass
@MethodSource("nixery.server.nix.TestNix#versions")
record NixResolveTests(TestNix.Version version) {

  private static final String OTHER_SYSTEM =
      TestNix.SYSTEM.equals("x86_64-linux") ? "aarch64-linux" : "x86_64-linux";

  @TempDir private static Path folder;
  private static TestNix test;
  private static Nix nix;

  @BeforeParameterizedClassInvocation
  static void open(TestNix.Version version) throws IOException {
    test = TestNix.of(version);
    nix = test.open();
  }

  @AfterParameterizedClassInvocation
  static void close() throws IOException {
    test.close();
  }

  private static Path write(String nixText) throws IOException {
    Path set = Files.createTempDirectory(folder, "a set 'of' \"packages\" ${x}");
    Files.writeString(set.resolve("default.nix"), nixText);
    return set;
  }

  private static Map<String, Resolved> resolve(String set, String... names) throws Exception {
    return nix.resolve(write(TestNix.PRELUDE + set), TestNix.SYSTEM, new TreeSet<>(List.of(names)))
        .packages();
  }

  private static Resolved resolveOne(String set, String name) throws Exception {
    return resolve(set, name).get(name);
  }

  private static List<String> outputs(Resolved resolved) {
    return ((Found) resolved).outputs().stream().map(Output::name).toList();
  }

  private static String attribute(Resolved resolved) {
    return ((Found) resolved).attribute();
  }

  private static String broken(Resolved resolved) {
    return ((Broken) resolved).message();
  }

  @Test
  void findsAPackageAndItsDerivation() throws Exception {
    Resolved resolved = resolveOne("{ ... }: { hello = ok \"hello-1.0\"; }", "hello");

    assertThat(resolved)
        .asInstanceOf(type(Found.class))
        .satisfies(found -> {
          assertThat(found.attribute()).isEqualTo("hello");
          assertThat(found.derivation()).matches("/nix/store/[0-9a-z]{32}-hello-1\\.0\\.drv");
          assertThat(test.has(found.derivation())).isTrue();
          assertThat(found.outputs()).hasSize(1);
          assertThat(found.outputs().getFirst().name()).isEqualTo("out");
          assertThat(found.outputs().getFirst().path())
              .matches("/nix/store/[0-9a-z]{32}-hello-1\\.0");
        });
  }

  @Test
  void choosesTheOutputsThatAreToBeInstalled() throws Exception {
    Map<String, Resolved> found =
        resolve(
            """
            { ... }: rec {
              plain = sh "plain" { outputs = [ "bin" "out" "dev" ]; } "";
              chosen = plain // { meta.outputsToInstall = [ "bin" "dev" "bin" ]; };
              specified = plain.out // { outputSpecified = true; meta = chosen.meta; };
              wrong = plain // { meta.outputsToInstall = [ "doc" ]; };
              none = plain // { meta.outputsToInstall = [ ]; };
              odd = plain // { meta = "no set"; };
            }
            """,
            "plain",
            "plain.dev",
            "chosen",
            "chosen.out",
            "specified",
            "wrong",
            "none",
            "odd");

    assertThat(outputs(found.get("plain"))).containsExactly("bin");
    assertThat(outputs(found.get("plain.dev"))).containsExactly("dev");
    assertThat(outputs(found.get("chosen"))).containsExactly("bin", "dev");
    assertThat(outputs(found.get("chosen.out"))).containsExactly("out");
    assertThat(outputs(found.get("specified"))).containsExactly("out");
    assertThat(outputs(found.get("odd"))).containsExactly("bin");
    assertThat(broken(found.get("wrong"))).contains("doc").doesNotContain("packageSet");
    assertThat(broken(found.get("none"))).contains("outputsToInstall");
    assertThat(((Found) found.get("chosen")).outputs())
        .extracting(Output::path)
        .allMatch(path -> path.endsWith("-bin") || path.endsWith("-dev"));
  }

  @Test
  void ignoresCaseWhereThatIsClear() throws Exception {
    Map<String, Resolved> found =
        resolve(
            """
            { ... }: {
              bashInteractive = ok "a";
              tWo = ok "b"; TWO = ok "c";
              one = ok "d"; ONE = ok "e";
              PerlPackages.XMLParser = ok "f";
              _1password = ok "g"; _7Zip = ok "h"; "2048" = ok "i"; _2048 = ok "j";
            }
            """,
            "bashinteractive",
            "two",
            "one",
            "perlpackages.xmlparser",
            "1password",
            "7zip",
            "2048");

    assertThat(attribute(found.get("bashinteractive"))).isEqualTo("bashInteractive");
    assertThat(found.get("two")).isEqualTo(new Unknown(List.of("TWO", "tWo")));
    assertThat(attribute(found.get("one"))).isEqualTo("one");
    assertThat(attribute(found.get("perlpackages.xmlparser"))).isEqualTo("PerlPackages.XMLParser");
    assertThat(attribute(found.get("1password"))).isEqualTo("_1password");
    assertThat(attribute(found.get("7zip"))).isEqualTo("_7Zip");
    assertThat(attribute(found.get("2048"))).isEqualTo("2048");
  }

  @Test
  void suggestsWhatMayHaveBeenMeant() throws Exception {
    Map<String, Resolved> found =
        resolve(
            """
            { ... }: {
              git = ok "a"; gitea = ok "b"; htop = ok "c"; nothing = throw "not to be looked at";
              pythonPackages = { numpy = ok "d"; scipy = ok "e"; };
              function = x: x;
            }
            """,
            "gti",
            "htpo",
            "zzzzzz",
            "pythonpackages.nunpy",
            "pythonpackage.numpy",
            "function.x");

    assertThat(found.get("gti")).isEqualTo(new Unknown(List.of("git")));
    assertThat(found.get("htpo")).isEqualTo(new Unknown(List.of("htop")));
    assertThat(found.get("zzzzzz")).isEqualTo(new Unknown(List.of()));
    assertThat(found.get("pythonpackages.nunpy"))
        .isEqualTo(new Unknown(List.of("pythonPackages.numpy")));
    assertThat(found.get("pythonpackage.numpy")).isEqualTo(new Unknown(List.of("pythonpackages")));
    assertThat(found.get("function.x")).isEqualTo(new Unknown(List.of()));
  }

  @Test
  void saysWhatIsNoPackage() throws Exception {
    Map<String, Resolved> found =
        resolve(
            """
            { ... }: {
              function = x: x;
              functor = { __functor = self: x: x; };
              list = [ (ok "a") ];
              set = { b = 1; a = 2; outPath = "x"; };
              empty = { };
              text = "text"; number = 1; truth = true; nothing = null; file = ./default.nix;
            }
            """,
            "function",
            "functor",
            "list",
            "set",
            "empty",
            "text",
            "number",
            "truth",
            "nothing",
            "file");

    assertThat(found)
        .containsOnly(
            Map.entry("function", new NotAPackage("a function")),
            Map.entry("functor", new NotAPackage("a function")),
            Map.entry("list", new NotAPackage("a list")),
            Map.entry("set", new NotAPackage("a set with the attributes a, b, outPath")),
            Map.entry("empty", new NotAPackage("a set")),
            Map.entry("text", new NotAPackage("a string")),
            Map.entry("number", new NotAPackage("a number")),
            Map.entry("truth", new NotAPackage("a Boolean")),
            Map.entry("nothing", new NotAPackage("null")),
            Map.entry("file", new NotAPackage("a path")));
  }

  @Test
  void passesOnTheMessageOfEachPackageThatCannotBeEvaluated() throws Exception {
    Map<String, Resolved> found =
        resolve(
            """
            { ... }: {
              fine = ok "fine";
              thrown = throw "no ${toString ./.}\\nerror: such\\nthing";
              aborted = abort "gave up";
              asserted = assert 1 == 2; ok "x";
              recursive = let x = x; in x;
              endless = let f = n: 1 + f (n + 1); in f 0;
              typed = 1 + "a";
              deep.er = throw "deep down";
              dependent = ok "x${throw "in a dependency"}";
              fake = { type = "derivation"; drvPath = "../../etc/passwd"; outPath = "/etc"; };
              faker = { type = "derivation"; outPath = "/etc"; };
              colour = throw "\u001b[31mred\u0007";
              long = throw (builtins.concatStringsSep "" (builtins.genList (i: "0123456789") 300000));
            }
            """,
            "fine",
            "thrown",
            "aborted",
            "asserted",
            "recursive",
            "endless",
            "typed",
            "deep.er",
            "dependent",
            "fake",
            "faker",
            "colour",
            "long");

    assertThat(found.get("fine")).isInstanceOf(Found.class);
    assertThat(broken(found.get("thrown"))).isEqualTo("no .\nerror: such\nthing");
    assertThat(broken(found.get("aborted"))).contains("gave up");
    assertThat(broken(found.get("asserted"))).isNotBlank().doesNotContain(folder.toString());
    assertThat(broken(found.get("recursive")))
        .contains("infinite recursion")
        .contains("at default.nix:")
        .doesNotContain(folder.toString());
    assertThat(broken(found.get("endless"))).contains("stack overflow");
    assertThat(broken(found.get("typed"))).contains("string").doesNotContain("\u001b");
    assertThat(broken(found.get("deep.er"))).isEqualTo("deep down");
    assertThat(broken(found.get("dependent"))).isEqualTo("in a dependency");
    assertThat(broken(found.get("fake"))).contains("store path");
    assertThat(broken(found.get("faker"))).contains("drvPath");
    assertThat(broken(found.get("colour"))).isEqualTo("red");
    assertThat(broken(found.get("long"))).hasSizeLessThanOrEqualTo(4096).contains("0123456789");
  }

  @Test
  void takesNamesForNothingButNames() throws Exception {
    String[] hostile = {
      "${throw \"x\"}",
      "a\"; x = \"",
      "''",
      "a\nb",
      "a\u0000b",
      "\ud800",
      "é",
      "-f",
      "--option",
      "../x",
      ".",
      "a..b",
      "",
      " ",
      "hello.",
      "@nix",
      "\\",
      "$(touch x)",
      "builtins.currentTime",
      "x".repeat(300)
    };

    Map<String, Resolved> found = resolve("{ ... }: { hello = ok \"hello\"; a = 1; }", hostile);

    assertThat(found).hasSize(hostile.length);
    assertThat(found.values()).allMatch(Unknown.class::isInstance);
  }

  @Test
  void givesTheSystemToFunctionsThatTakeIt() throws Exception {
    String body = "{ hello = ok \"hello-${toString system}\"; }";
    for (String function :
        List.of(
            "{ system }: " + body,
            "{ system ? throw \"default\", config ? throw \"config\", ... }: " + body,
            "{ localSystem ? throw \"default\", overlays ? throw \"overlays\" }:"
                + " let system = assert overlays == [ ]; localSystem.system; in "
                + body,
            "{ ... }@args: let inherit (args) system; in " + body,
            "args: let inherit (args) system; in " + body,
            "{ __functor = self: { system }: " + body + "; }")) {
      Path set = write(TestNix.PRELUDE + function);

      Resolved found =
          nix.resolve(set, OTHER_SYSTEM, new TreeSet<>(List.of("hello"))).packages().get("hello");

      assertThat(((Found) found).derivation()).as(function).contains("hello-" + OTHER_SYSTEM);
    }
  }

  @Test
  void refusesAnotherSystemIfThePackageSetTakesNone() throws Exception {
    for (String text :
        List.of(
            "{ }: { hello = ok \"hello\"; }",
            "{ config ? null }: { hello = ok \"hello\"; }",
            "{ hello = ok \"hello\"; }")) {
      Path set = write(TestNix.PRELUDE + text);
      var names = new TreeSet<>(List.of("hello"));

      assertThat(nix.resolve(set, TestNix.SYSTEM, names).packages().get("hello"))
          .as(text)
          .isInstanceOf(Found.class);
      assertThatThrownBy(() -> nix.resolve(set, OTHER_SYSTEM, names))
          .as(text)
          .isInstanceOf(Failure.class)
          .hasMessageContaining("not for " + OTHER_SYSTEM)
          .extracting(e -> ((Failure) e).code())
          .isEqualTo(FailureCode.PACKAGE_UNKNOWN);
    }
  }

  @Test
  void saysWhyAPackageSetIsNone() throws Exception {
    Map<String, String> messages =
        Map.of(
            "{ x }: { }", "without the arguments x.",
            "[ ]", "a list",
            "{ ... }: y: { }", "a function",
            "{ ... }: throw \"broken set\"", "broken set",
            "{ ... }: import ./missing.nix", "missing.nix",
            "{ ... }: { a = ; }", "syntax error");
    for (Map.Entry<String, String> entry : messages.entrySet()) {
      assertThatThrownBy(() -> resolve(entry.getKey(), "hello"))
          .as(entry.getKey())
          .isInstanceOf(Failure.class)
          .hasMessageContaining(entry.getValue())
          .hasMessageNotContaining(folder.toString())
          .extracting(e -> ((Failure) e).code())
          .isEqualTo(FailureCode.EVALUATION_FAILED);
    }
  }

  @Test
  void importsASingleFile() throws Exception {
    Path file = Files.writeString(folder.resolve("set.nix"), TestNix.PRELUDE + "{ x = ok \"x\"; }");

    assertThat(nix.resolve(file, TestNix.SYSTEM, new TreeSet<>(List.of("x"))).packages().get("x"))
        .isInstanceOf(Found.class);
  }

  @Test
  void toleratesAPackageSetThatTalks() throws Exception {
    assertThat(
            resolveOne(
                """
                { ... }: {
                  hello = builtins.foldl' (done: i: builtins.trace "line ${toString i}" done)
                    (ok "hello") (builtins.genList (i: i) 20000);
                }
                """,
                "hello"))
        .isInstanceOf(Found.class);
  }

  @Test
  void endsAnEvaluationThatDoesNotEnd() throws Exception {
    Path set =
        write(
            """
            { ... }: {
              endless =
                let
                  range = builtins.genList (i: i) 1000;
                  f = n: if n == 0 then 0 else builtins.foldl' (sum: i: sum + f (n - 1)) 0 range;
                in
                f 100;
            }
            """);
    Nix impatient = test.open(Duration.ofSeconds(2), Duration.ofSeconds(2));

    assertThatThrownBy(
            () -> impatient.resolve(set, TestNix.SYSTEM, new TreeSet<>(List.of("endless"))))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("endless took longer than 2 seconds")
        .extracting(e -> ((Failure) e).code())
        .isEqualTo(FailureCode.EVALUATION_TIMED_OUT);
    assertThat(Processes.started()).isEmpty();
  }

  @Test
  void limitsTheMemoryOfAnEvaluation() throws Exception {
    Path set = write("{ ... }: { big = builtins.length (builtins.genList (x: x) 2000000000); }");
    var config =
        test.config(
            Duration.ofMinutes(1), Duration.ofMinutes(1), Map.of("GC_MAXIMUM_HEAP_SIZE", "300m"));
    try (var small = new Nix(config)) {
      assertThat(
              broken(
                  small
                      .resolve(set, TestNix.SYSTEM, new TreeSet<>(List.of("big")))
                      .packages()
                      .get("big")))
          .contains("memory");
    }
  }

  @Test
  void hidesVariables() throws Exception {
    assertThat(System.getenv("HOME")).isNotEmpty();

    assertThat(
            broken(
                resolveOne(
                    "{ ... }: { x = throw \"HOME is '${builtins.getEnv \"HOME\"}'\"; }", "x")))
        .isEqualTo("HOME is ''");
  }

  @Test
  void findsNothingForNoName() throws Exception {
    assertThat(resolve("{ }")).isEmpty();
  }

  @Test
  void checksNix() throws Exception {
    assertThat(nix.check()).matches("2\\.[0-9]+.*");
  }
}
