package io.lcpfs.error;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ErrnoTest {
  /** The errors that a host of the engine counts on at least. */
  private static final Map<String, Integer> LEAST =
      Map.ofEntries(
          Map.entry("EPERM", 1),
          Map.entry("ENOENT", 2),
          Map.entry("EIO", 5),
          Map.entry("EBADF", 9),
          Map.entry("ENOMEM", 12),
          Map.entry("EACCES", 13),
          Map.entry("EEXIST", 17),
          Map.entry("ENOTDIR", 20),
          Map.entry("EISDIR", 21),
          Map.entry("EINVAL", 22),
          Map.entry("EFBIG", 27),
          Map.entry("ENOSPC", 28),
          Map.entry("EROFS", 30));

  @Test
  void everyErrorThatTheInterfaceNamesIsThereWithItsNumber() {
    LEAST.forEach(
        (name, value) -> assertThat(Errno.valueOf(name).value()).as(name).isEqualTo(value));
  }

  @Test
  void everyNumberIsPositiveAndOnlyOnce() {
    Set<Integer> seen = new HashSet<>();
    for (Errno errno : Errno.values()) {
      assertThat(errno.value()).as(errno.name()).isBetween(1, 4095);
      assertThat(seen.add(errno.value())).as(errno.name()).isTrue();
    }
  }

  @Test
  void everyConstantHasTheNumberThatTheCLibraryGivesIt() throws Throwable {
    Linker linker = Linker.nativeLinker();
    SymbolLookup library = linker.defaultLookup();
    assumeTrue(library.find("strerrorname_np").isPresent(), "a C library that names its errors");
    MethodHandle name =
        linker.downcallHandle(
            library.find("strerrorname_np").orElseThrow(),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    for (Errno errno : Errno.values()) {
      MemorySegment text = (MemorySegment) name.invokeExact(errno.value());
      assertThat(text.reinterpret(32, Arena.global(), null).getString(0)).isEqualTo(errno.name());
    }
  }

  @Test
  void everyKindOfErrorHasOneErrnoAndAMessageWithWhatItWasTold() throws Exception {
    List<String> kinds = new ArrayList<>();
    for (Class<?> kind : PoolError.class.getPermittedSubclasses()) {
      assertThat(kind.isRecord()).as(kind.getName()).isTrue();
      for (Errno errno : Errno.values()) {
        PoolError error = sample(kind, errno);
        boolean chosen =
            List.of(kind.getRecordComponents()).stream().anyMatch(c -> c.getType() == Errno.class);
        assertThat(error.errno()).isEqualTo(chosen ? errno : sample(kind, Errno.EPERM).errno());
        assertThat(error.message()).isNotBlank().doesNotContain("\n");
        for (RecordComponent component : kind.getRecordComponents()) {
          if (component.getType() != Errno.class) {
            assertThat(error.message()).contains(String.valueOf(value(component, errno)));
          }
        }
        PoolException thrown = new PoolException(error);
        assertThat(thrown.errno()).isEqualTo(error.errno());
        assertThat(thrown).hasMessage(error.message());
      }
      kinds.add(kind.getSimpleName());
    }
    assertThat(kinds).hasSizeGreaterThanOrEqualTo(9).doesNotHaveDuplicates();
  }

  private static PoolError sample(Class<?> kind, Errno errno) throws Exception {
    RecordComponent[] components = kind.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      values[i] = value(components[i], errno);
    }
    Constructor<?> made = kind.getDeclaredConstructor(types);
    return (PoolError) made.newInstance(values);
  }

  private static Object value(RecordComponent component, Errno errno) {
    if (component.getType() == Errno.class) {
      return errno;
    }
    if (component.getType() == long.class) {
      return 4711L + component.getName().length();
    }
    assertThat(component.getType()).isEqualTo(String.class);
    return "the-" + component.getName();
  }
}
