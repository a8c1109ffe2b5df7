package io.lcpfs.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.lcpfs.env.Env;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.reflect.AccessFlag;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
  /** Only the real world may touch these; everywhere else they come from {@link Env}. */
  private static final String WORLD = "io.lcpfs.env";

  private static final Set<String> FORBIDDEN_CLASSES =
      Set.of(
          "java.util.Random",
          "java.util.SplittableRandom",
          "java.util.concurrent.ThreadLocalRandom",
          "java.security.SecureRandom",
          "java.lang.ref.Cleaner",
          "java.util.Timer",
          "java.util.concurrent.CompletableFuture",
          "java.util.concurrent.Executors",
          "java.util.concurrent.ForkJoinPool",
          "java.util.concurrent.ThreadPoolExecutor");

  private static final Set<String> FORBIDDEN_CALLS =
      Set.of(
          "java.lang.Thread.sleep",
          "java.lang.Thread.<init>",
          "java.lang.Thread.ofPlatform",
          "java.lang.Thread.ofVirtual",
          "java.lang.Thread.startVirtualThread",
          "java.lang.System.nanoTime",
          "java.lang.System.currentTimeMillis",
          "java.lang.System.identityHashCode",
          "java.lang.Math.random",
          "java.lang.Object.wait",
          "java.lang.Object.notify",
          "java.lang.Object.notifyAll",
          "java.time.Instant.now",
          "java.time.LocalDateTime.now",
          "java.time.Clock.systemUTC",
          "java.util.UUID.randomUUID",
          "java.util.Arrays.parallelSort");

  /** Forbidden whatever the static type of the receiver is. */
  private static final Set<String> FORBIDDEN_ANYWHERE = Set.of("parallelStream", "parallel");

  private static final String BREACH_FILE = "ArchitectureTest$Breach.class";

  private static Path classesFolder = Path.of("");
  private static JavaClasses engine = new ClassFileImporter().importClasses();

  @BeforeAll
  static void importEngine() throws URISyntaxException {
    classesFolder = Path.of(Env.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    engine =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPath(classesFolder);
  }

  @Test
  void everyEngineClassFileIsRead() throws IOException {
    // An importer too old for the class files would skip them silently and every rule would hold.
    List<String> expected = new ArrayList<>();
    for (Path file : classFiles()) {
      if (!file.getFileName().toString().equals("module-info.class")) {
        expected.add(
            classesFolder
                .relativize(file)
                .toString()
                .replaceAll("\\.class$", "")
                .replace('/', '.'));
      }
    }
    assertThat(expected).isNotEmpty();
    assertThat(engine.stream().map(JavaClass::getName).toList())
        .containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void everyPackageIsARoomOfTheTable() {
    Set<String> strangers = new TreeSet<>();
    for (JavaClass type : engine) {
      if (Floors.roomOf(type.getPackageName()).isEmpty()) {
        strangers.add(type.getName());
      }
    }
    assertThat(strangers).isEmpty();
  }

  @Test
  void everyRoomUsesOnlyLowerFloorsAndItsNamedNeighbours() {
    Set<String> upward = new TreeSet<>();
    for (JavaClass type : engine) {
      Optional<String> user = Floors.roomOf(type.getPackageName());
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        Optional<String> used =
            Floors.roomOf(dependency.getTargetClass().getBaseComponentType().getPackageName());
        if (user.isPresent() && used.isPresent() && !Floors.mayUse(user.get(), used.get())) {
          upward.add(user.get() + " uses " + used.get() + ": " + dependency.getDescription());
        }
      }
    }
    assertThat(upward).isEmpty();
  }

  @Test
  void everyRoomTakesTimeRandomnessAndThreadsFromEnv() {
    Set<String> escapes = new TreeSet<>();
    for (JavaClass type : engine) {
      if (!type.getPackageName().equals(WORLD)) {
        escapes.addAll(escapes(type));
      }
    }
    assertThat(escapes).isEmpty();
  }

  @Test
  void noMethodIsSynchronizedAndNoneHoldsAMonitor() throws IOException {
    Set<String> monitors = new TreeSet<>();
    for (Path file : classFiles()) {
      monitors.addAll(monitors(Files.readAllBytes(file)));
    }
    assertThat(monitors).isEmpty();
  }

  @Test
  void everyBreachOfARuleIsSeen() throws IOException {
    assertThat(Floors.mayUse("codec", "vdev")).isFalse();
    assertThat(Floors.mayUse("object", "zap")).isFalse();
    assertThat(Floors.mayUse("txg", "pipeline")).isFalse();
    assertThat(Floors.mayUse("zap", "object")).isTrue();
    assertThat(Floors.mayUse("pool", "vdev")).isTrue();
    JavaClass breach = new ClassFileImporter().importClass(Breach.class);
    assertThat(escapes(breach)).hasSizeGreaterThanOrEqualTo(3);
    assertThat(String.join(" ", escapes(breach)))
        .contains("java.util.Random", "java.lang.System.nanoTime", "parallelStream");
    try (InputStream in = ArchitectureTest.class.getResourceAsStream(BREACH_FILE)) {
      assertThat(in).isNotNull();
      assertThat(monitors(in.readAllBytes())).hasSize(2);
    }
  }

  @Test
  void theArchitectureDocumentPrintsTheTable() throws IOException {
    assertThat(Files.readString(Path.of("..", "docs", "ARCHITECTURE.md")))
        .contains(Floors.markdown());
  }

  /** What the engine must not do. */
  static final class Breach {
    private final Random random = new Random(System.nanoTime());

    synchronized int whole() {
      return random.nextInt();
    }

    long part(List<Integer> numbers) {
      synchronized (random) {
        return numbers.parallelStream().filter(number -> number > 0).count();
      }
    }
  }

  private static Set<String> escapes(JavaClass type) {
    Set<String> escapes = new TreeSet<>();
    for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
      if (FORBIDDEN_CLASSES.contains(dependency.getTargetClass().getName())) {
        escapes.add(dependency.getDescription());
      }
    }
    for (JavaAccess<?> access : type.getAccessesFromSelf()) {
      String method = access.getTarget().getName();
      if (FORBIDDEN_ANYWHERE.contains(method)
          || FORBIDDEN_CALLS.contains(access.getTargetOwner().getName() + "." + method)) {
        escapes.add(access.getDescription());
      }
    }
    return escapes;
  }

  private static Set<String> monitors(byte[] classFile) {
    Set<String> monitors = new TreeSet<>();
    ClassModel model = ClassFile.of().parse(classFile);
    for (MethodModel method : model.methods()) {
      if (method.flags().has(AccessFlag.SYNCHRONIZED)
          || method.code().filter(ArchitectureTest::usesMonitor).isPresent()) {
        monitors.add(model.thisClass().asInternalName() + "." + method.methodName().stringValue());
      }
    }
    return monitors;
  }

  private static boolean usesMonitor(CodeModel code) {
    return code.elementStream().anyMatch(MonitorInstruction.class::isInstance);
  }

  private static List<Path> classFiles() throws IOException {
    try (Stream<Path> files = Files.walk(classesFolder)) {
      return files.filter(file -> file.toString().endsWith(".class")).sorted().toList();
    }
  }
}
