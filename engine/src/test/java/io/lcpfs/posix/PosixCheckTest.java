package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PosixCheckTest {
  private final TestFs t = new TestFs();
  private long directory;
  private long file;

  @BeforeEach
  void tree() {
    directory = t.mkdir("/d").inode();
    file = t.touch("/d/f").inode();
    t.link("/d/f", "/d/g");
    t.write("/x", "text");
    t.paths.setxattr(b("/x"), true, b("user.big"), new byte[1000], 0, ROOT);
    assertThat(t.check().problems()).isEmpty();
    assertThat(t.check().files()).isEqualTo(4);
    assertThat(t.check().entries()).isEqualTo(4);
  }

  @AfterEach
  void closed() {
    t.fs.close();
    t.pool.close();
    t.world.close();
  }

  private void damage(long inode, BiConsumer<Tx, Dnode> how) {
    t.fs.close();
    try (Dnode dnode = t.objects.hold(inode);
        Tx tx = t.objects.begin(1 << 16)) {
      how.accept(tx, dnode);
    }
    t.fs = PosixFileSystem.open(t.objects, t.world, FsOptions.DEFAULTS);
    t.paths = t.fs.paths();
  }

  private void damageRecord(long inode, Consumer<ZnodeRecord> how) {
    damage(
        inode,
        (tx, dnode) -> {
          ZnodeRecord record = ZnodeRecord.decode(dnode.bonus());
          how.accept(record);
          dnode.setBonus(tx, record.encode());
        });
  }

  private void putEntry(String name, long value) {
    damage(directory, (tx, dnode) -> Zap.open(dnode, t.world).putLong(tx, b(name), value));
  }

  private void reports(String text) {
    assertThat(t.check().problems()).anyMatch(line -> line.contains(text));
  }

  @Test
  void aWrongLinkCountIsReported() {
    damageRecord(file, record -> record.nlink = 3);
    reports("link count 3, should be 2");
  }

  @Test
  void aWrongCountOfSubdirectoriesIsReported() {
    damageRecord(directory, record -> record.nlink = 4);
    reports("link count 4, should be 2");
  }

  @Test
  void aWrongCountOfEntriesIsReported() {
    damageRecord(directory, record -> record.entryCount = 9);
    reports("2 entries, counted as 9");
  }

  @Test
  void aWrongParentIsReported() {
    damageRecord(directory, record -> record.parent = directory);
    reports("parent of inode " + directory);
  }

  @Test
  void anEntryForNothingIsReportedAndIsEio() {
    putEntry("ghost", 4000 | 8L << 60);
    reports("no file 4000");
    assertThat(errno(() -> t.stat("/d/ghost"))).isEqualTo(Errno.EIO);
  }

  @Test
  void anEntryOfTheWrongTypeOrGenerationIsReportedAndIsEio() {
    ZnodeRecord other = new ZnodeRecord();
    other.mode = Mode.DIRECTORY;
    other.generation = 0xABC;
    putEntry("wrong", DirectoryEntry.of(file, other));
    reports("type or generation");
    assertThat(errno(() -> t.stat("/d/wrong"))).isEqualTo(Errno.EIO);
  }

  @Test
  void anImpossibleNameIsReportedAndIsEio() {
    putEntry("..", 12 | 8L << 60);
    reports("directory_entry.name");
    assertThat(errno(() -> t.names("/d"))).isEqualTo(Errno.EIO);
  }

  @Test
  void anImpossibleEntryIsReportedAndIsEio() {
    putEntry("zero", 0);
    reports("directory_entry.value");
    assertThat(errno(() -> t.stat("/d/zero"))).isEqualTo(Errno.EIO);
  }

  @Test
  void aSecondNameOfADirectoryIsReported() {
    ZnodeRecord[] record = new ZnodeRecord[1];
    damageRecord(directory, one -> record[0] = one);
    putEntry("loop", DirectoryEntry.of(directory, record[0]));
    reports("another name of directory");
  }

  @Test
  void aLostFileIsReported() {
    damage(
        directory,
        (tx, dnode) -> {
          Zap.open(dnode, t.world).remove(tx, b("f"));
          Zap.open(dnode, t.world).remove(tx, b("g"));
        });
    reports("inode " + file + ": allocated, but neither reachable");
  }

  @Test
  void aLostMapOfAttributesIsReported() {
    long x = t.stat("/x").inode();
    damageRecord(x, record -> record.xattrObject = 0);
    reports("extended attributes of no file");
    damageRecord(x, record -> record.xattrObject = file);
    reports("no extended attributes in object");
    assertThat(errno(() -> t.paths.listxattr(b("/x"), true, ROOT))).isEqualTo(Errno.EIO);
  }

  @Test
  void aDamagedAccessListIsReportedIsEioAndMayBeRemoved() {
    byte[] list = AclTest.list("u::6 u:1002:6 g::6 m::6 o::0");
    t.chmod("/d", 0755, ROOT);
    t.paths.setxattr(b("/d/f"), true, PosixAcl.ACCESS, list, 0, ROOT);
    assertThat(t.check().problems()).isEmpty();
    // The mask of the list becomes an entry of an unknown kind.
    int mask = XattrMap.HEADER_BYTES + XattrMap.ENTRY_BYTES + PosixAcl.ACCESS.length + 4 + 8 * 3;
    damageRecord(file, record -> record.inline[mask] = 0x55);
    reports("inode " + file);
    Caller other = Caller.of(1002, 1002);
    assertThat(errno(() -> t.open("/d/f", OpenFlags.O_RDONLY, other))).isEqualTo(Errno.EIO);
    t.open("/d/f", OpenFlags.O_RDONLY, ROOT).close();
    t.paths.removexattr(b("/d/f"), true, PosixAcl.ACCESS, ROOT);
    assertThat(errno(() -> t.open("/d/f", OpenFlags.O_RDONLY, other))).isEqualTo(Errno.EACCES);
    assertThat(t.check().problems()).isEmpty();
  }

  @Test
  void aFlagForAListThatIsNotThereIsReported() {
    t.paths.setxattr(b("/d/f"), true, b("user.a"), b("1"), 0, ROOT);
    damageRecord(file, record -> record.flags |= ZnodeRecord.FLAG_ACL);
    reports("flags 8 for extended attributes of 0");
    assertThat(errno(() -> t.open("/d/f", OpenFlags.O_RDONLY, Caller.of(1002, 1002))))
        .isEqualTo(Errno.EIO);
    damage(
        file,
        (tx, dnode) -> {
          byte[] bonus = dnode.bonus();
          bonus[2] |= (byte) ZnodeRecord.FLAG_DEFAULT_ACL;
          dnode.setBonus(tx, bonus);
        });
    reports("znode.flags");
    assertThat(errno(() -> t.stat("/d/f"))).isEqualTo(Errno.EIO);
  }

  @Test
  void dataBeyondTheEndIsReported() {
    long x = t.stat("/x").inode();
    damage(
        x,
        (tx, dnode) ->
            dnode.write(tx, 1 << 20, MemorySegment.ofArray(b("beyond")), 0, 6, 128 << 10));
    reports("beyond its size 4");
  }

  @Test
  void aDamagedRecordIsReportedAndIsEio() {
    damage(file, (tx, dnode) -> dnode.setBonus(tx, new byte[130]));
    reports("znode.version");
    assertThat(errno(() -> t.stat("/d/f"))).isEqualTo(Errno.EIO);
  }

  @Test
  void aStrangeObjectIsReported() {
    try (Tx tx = t.objects.begin(1 << 16)) {
      t.objects.create(tx, ObjectType.HISTORY, 512).close();
    }
    reports("type HISTORY in a file system");
  }
}
