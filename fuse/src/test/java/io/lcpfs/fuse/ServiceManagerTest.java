package io.lcpfs.fuse;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What systemd would hear. The JDK has no datagram sockets of the file system. */
class ServiceManagerTest {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int MSG_DONTWAIT = 64;

  @BeforeEach
  void onLinux() {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "systemd is a matter of Linux");
  }

  private static MethodHandle bind(String name, MemoryLayout result, MemoryLayout... arguments) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
  }

  /** A socket that listens. */
  private static int listen(Arena arena, byte[] name) throws Throwable {
    int fd =
        (int)
            bind("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT)
                .invokeExact(AF_UNIX, SOCK_DGRAM, 0);
    assertThat(fd).isNotNegative();
    MemorySegment address = arena.allocate(2 + name.length, 2);
    address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
    MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
    int rc =
        (int)
            bind("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT)
                .invokeExact(fd, address, (int) address.byteSize());
    assertThat(rc).isZero();
    return fd;
  }

  private static String heard(Arena arena, int fd) throws Throwable {
    MemorySegment buffer = arena.allocate(512);
    long got =
        (long)
            bind("recv", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)
                .invokeExact(fd, buffer, 512L, MSG_DONTWAIT);
    assertThat(got).isPositive();
    byte[] text = buffer.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE);
    return new String(text, StandardCharsets.UTF_8);
  }

  @Test
  void whoWaitsHearsWhenEverythingIsMountedAndWhenItEnds(@TempDir Path dir) throws Throwable {
    String path = dir.resolve("notify").toString();
    String hidden = "@lcpfs-test-" + ProcessHandle.current().pid();
    for (String name : new String[] {path, hidden}) {
      byte[] bytes = name.replace('@', '\0').getBytes(StandardCharsets.UTF_8);
      try (Arena arena = Arena.ofConfined()) {
        int fd = listen(arena, bytes);
        Map<String, String> environment = Map.of("NOTIFY_SOCKET", name);
        ServiceManager.ready(environment, "2 mounts");
        assertThat(heard(arena, fd)).isEqualTo("READY=1\nSTATUS=2 mounts");
        ServiceManager.stopping(environment);
        assertThat(heard(arena, fd)).isEqualTo("STOPPING=1");
        Libc.close(fd);
      }
    }
  }

  @Test
  void nobodyWhoWaitsIsNoMistakeAndOneWhoCannotBeReachedIs(@TempDir Path dir) {
    ServiceManager.ready(Map.of(), "1 mount");
    assertThatThrownBy(
            () ->
                ServiceManager.ready(
                    Map.of("NOTIFY_SOCKET", dir.resolve("none").toString()), "1 mount"))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining("NOTIFY_SOCKET");
    assertThatThrownBy(
            () -> ServiceManager.ready(Map.of("NOTIFY_SOCKET", "/" + "x".repeat(200)), "1 mount"))
        .isInstanceOf(PoolException.class);
  }
}
