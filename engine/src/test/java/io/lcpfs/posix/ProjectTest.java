package io.lcpfs.posix;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which project files count for. */
class ProjectTest {
  private static final Caller USER = Caller.of(1000, 1000);

  private final TestFs world = new TestFs();
  private PosixFileSystem fs;
  private long directory;

  @BeforeEach
  void aDirectoryThatGivesItsProject() {
    fs = world.fs;
    fs.setattr(fs.rootInode(), new SetAttr().mode(0777), Caller.ROOT);
    directory = fs.mkdir(fs.rootInode(), name("d"), 0777, USER).inode();
    fs.setattr(directory, new SetAttr().project(7).projectInherited(true), USER);
  }

  @AfterEach
  void close() {
    world.close();
  }

  private static byte[] name(String text) {
    return text.getBytes(UTF_8);
  }

  private long file(long in, String name) {
    Created made = fs.create(in, name(name), 0644, OpenFlags.O_RDWR, USER);
    made.handle().close();
    return made.attr().inode();
  }

  private static void refused(Errno errno, ThrowingCallable what) {
    assertThatThrownBy(what)
        .isInstanceOfSatisfying(PoolException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void whatIsMadeInItIsOfItsProject() {
    assertThat(fs.project(file(directory, "f"))).isEqualTo(new FileProject(7, false));
    long below = fs.mkdir(directory, name("below"), 0777, USER).inode();
    assertThat(fs.project(below)).isEqualTo(new FileProject(7, true));
    assertThat(fs.project(file(below, "f")).id()).isEqualTo(7);
    Created unnamed = fs.createUnnamed(below, 0600, OpenFlags.O_RDWR, USER);
    assertThat(fs.project(unnamed.attr().inode()).id()).isEqualTo(7);
    unnamed.handle().close();
  }

  @Test
  void withoutTheFlagNothingIsTakenOver() {
    fs.setattr(directory, new SetAttr().projectInherited(false), USER);
    assertThat(fs.project(directory)).isEqualTo(new FileProject(7, false));
    assertThat(fs.project(file(directory, "f"))).isEqualTo(new FileProject(0, false));
    assertThat(fs.project(fs.mkdir(directory, name("e"), 0777, USER).inode()))
        .isEqualTo(new FileProject(0, false));
  }

  @Test
  void whatIsOfAnotherProjectGetsNoNameInIt() {
    long root = fs.rootInode();
    long other = file(root, "f");
    refused(Errno.EXDEV, () -> fs.link(other, directory, name("g"), USER));
    refused(Errno.EXDEV, () -> fs.rename(root, name("f"), directory, name("g"), 0, Caller.ROOT));
    Created unnamed = fs.createUnnamed(root, 0600, OpenFlags.O_RDWR, Caller.ROOT);
    refused(
        Errno.EXDEV,
        () -> fs.linkUnnamed(unnamed.attr().inode(), directory, name("g"), Caller.ROOT));
    unnamed.handle().close();
    fs.setattr(other, new SetAttr().project(7), USER);
    fs.rename(root, name("f"), directory, name("g"), 0, Caller.ROOT);
    fs.rename(directory, name("g"), root, name("f"), 0, Caller.ROOT);
    assertThat(fs.project(other).id()).as("it stays").isEqualTo(7);
  }

  @Test
  void onlyTheOwnerChangesIt() {
    long file = file(directory, "f");
    Caller other = Caller.of(2000, 2000);
    refused(Errno.EPERM, () -> fs.setattr(file, new SetAttr().project(8), other));
    refused(Errno.EPERM, () -> fs.setattr(directory, new SetAttr().projectInherited(false), other));
    refused(Errno.EOPNOTSUPP, () -> fs.setattr(file, new SetAttr().projectInherited(true), USER));
    refused(Errno.EINVAL, () -> fs.setattr(file, new SetAttr().project(-1), USER));
    fs.setattr(file, new SetAttr().project(-2).projectInherited(false), USER);
    assertThat(Integer.toUnsignedString(fs.project(file).id())).isEqualTo("4294967294");
  }
}
