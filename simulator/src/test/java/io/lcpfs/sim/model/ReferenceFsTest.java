package io.lcpfs.sim.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.sim.model.FileRef.ByHandle;
import io.lcpfs.sim.model.FileRef.ByPath;
import io.lcpfs.sim.model.Op.RenameMode;
import io.lcpfs.sim.world.SimRandom;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReferenceFsTest {
  private final ReferenceFs fs = new ReferenceFs();

  private void ok(Op op) {
    assertThat(fs.apply(op)).as("%s", op).isNotInstanceOf(Outcome.Failed.class);
  }

  private void refused(Op op, Errno errno) {
    assertThat(fs.apply(op)).as("%s", op).isEqualTo(Outcome.failed(errno));
  }

  private static Tree.Entry entry(Tree tree, String path) {
    return Objects.requireNonNull(tree.entries().get(path));
  }

  private String nameOf(String path) {
    return fs.tree().entries().containsKey(path) ? "there" : "gone";
  }

  @Test
  void renameAnswersAsLinuxDoes() {
    ok(new Op.Mkdir("/d", 0755));
    ok(new Op.Mkdir("/d/e", 0755));
    ok(new Op.Create("/f", 0644));
    ok(new Op.Create("/g", 0644));
    refused(new Op.Rename("/none", "/x", RenameMode.REPLACE), Errno.ENOENT);
    refused(new Op.Rename("/f", "/g", RenameMode.NO_REPLACE), Errno.EEXIST);
    refused(new Op.Rename("/f", "/x", RenameMode.EXCHANGE), Errno.ENOENT);
    refused(new Op.Rename("/d", "/d/e/x", RenameMode.REPLACE), Errno.EINVAL);
    refused(new Op.Rename("/d/e", "/d", RenameMode.REPLACE), Errno.ENOTEMPTY);
    refused(new Op.Rename("/d/e", "/d", RenameMode.EXCHANGE), Errno.EINVAL);
    refused(new Op.Rename("/f", "/d", RenameMode.REPLACE), Errno.EISDIR);
    refused(new Op.Rename("/d", "/f", RenameMode.REPLACE), Errno.ENOTDIR);
    ok(new Op.Mkdir("/h", 0755));
    refused(new Op.Rename("/h", "/d", RenameMode.REPLACE), Errno.ENOTEMPTY);
    ok(new Op.Rename("/f", "/g", RenameMode.REPLACE));
    assertThat(nameOf("/f")).isEqualTo("gone");
    ok(new Op.Rename("/d", "/g", RenameMode.EXCHANGE));
    assertThat(fs.apply(new Op.Readdir("/g"))).isEqualTo(new Outcome.Names(List.of("e")));
  }

  @Test
  void onlyFilesAndDirectoriesHaveUserAttributes() {
    ok(new Op.Symlink("/l", "nowhere"));
    refused(new Op.SetXattr("/l", "user.a", 1, 1, Op.XattrMode.SET), Errno.EPERM);
    refused(new Op.RemoveXattr("/l", "user.a"), Errno.EPERM);
    ok(new Op.Create("/f", 0644));
    ok(new Op.SetXattr("/f", "user.a", 1, 1, Op.XattrMode.SET));
    ok(new Op.RemoveXattr("/f", "user.a"));
  }

  @Test
  void aRenameBetweenTwoNamesOfOneFileDoesNothing() {
    ok(new Op.Create("/f", 0644));
    ok(new Op.Link("/f", "/g"));
    ok(new Op.Rename("/f", "/g", RenameMode.REPLACE));
    assertThat(fs.paths(NodeKind.FILE)).containsExactly("/f", "/g");
    refused(new Op.Rename("/f", "/g", RenameMode.NO_REPLACE), Errno.EEXIST);
  }

  @Test
  void refusalsChangeNothing() {
    ok(new Op.Mkdir("/d", 0700));
    ok(new Op.Create("/d/f", 0644));
    long before = fs.tree().digest();
    refused(new Op.Mkdir("/d", 0755), Errno.EEXIST);
    refused(new Op.Mkdir("/x/y", 0755), Errno.ENOENT);
    refused(new Op.Mkdir("/d/f/y", 0755), Errno.ENOTDIR);
    refused(new Op.Create("/" + "n".repeat(256), 0644), Errno.ENAMETOOLONG);
    refused(new Op.Rmdir("/d"), Errno.ENOTEMPTY);
    refused(new Op.Rmdir("/d/f"), Errno.ENOTDIR);
    refused(new Op.Unlink("/d"), Errno.EISDIR);
    refused(new Op.Link("/d", "/e"), Errno.EPERM);
    refused(new Op.Symlink("/s", ""), Errno.ENOENT);
    refused(new Op.Truncate(new ByPath("/d/f"), -1), Errno.EINVAL);
    refused(new Op.Write(new ByPath("/d"), 0, 1, 1), Errno.EISDIR);
    refused(new Op.Read(new ByHandle(3), 0, 1), Errno.EBADF);
    refused(new Op.GetXattr("/d/f", "user.a"), Errno.ENODATA);
    refused(new Op.SetXattr("/d/f", "user.a", 1, 1, Op.XattrMode.REPLACE), Errno.ENODATA);
    assertThat(fs.tree().digest()).isEqualTo(before);
  }

  @Test
  void aFileWithoutANameLivesAsLongAsItsHandle() {
    ok(new Op.Create("/f", 0644));
    ok(new Op.Open(1, "/f"));
    ok(new Op.Unlink("/f"));
    ok(new Op.Write(new ByHandle(1), 5, 3, 2));
    Outcome read = fs.apply(new Op.Read(new ByHandle(1), 0, 100));
    assertThat(((Outcome.Data) read).bytes()).hasSize(8).startsWith(0, 0, 0, 0, 0);
    ok(new Op.Close(1));
    refused(new Op.Read(new ByHandle(1), 0, 1), Errno.EBADF);
  }

  @Test
  void holesReadAsZerosAndATruncatedTailDoesNotComeBack() {
    ok(new Op.Create("/f", 0644));
    ok(new Op.Write(new ByPath("/f"), 0, 10_000, 2));
    ok(new Op.PunchHole(new ByPath("/f"), 100, 5_000));
    byte[] all = ((Outcome.Data) fs.apply(new Op.Read(new ByPath("/f"), 0, 20_000))).bytes();
    byte[] written = Contents.bytes(2, 10_000);
    for (int i = 0; i < all.length; i++) {
      assertThat(all[i]).as("byte %d", i).isEqualTo(i >= 100 && i < 5_100 ? 0 : written[i]);
    }
    ok(new Op.Truncate(new ByPath("/f"), 7));
    ok(new Op.Truncate(new ByPath("/f"), 5_000));
    byte[] after = ((Outcome.Data) fs.apply(new Op.Read(new ByPath("/f"), 0, 20_000))).bytes();
    assertThat(after).hasSize(5_000);
    for (int i = 7; i < after.length; i++) {
      assertThat(after[i]).isZero();
    }
  }

  @Test
  void aFingerprintDoesNotDependOnHowTheContentCameToBe() {
    ok(new Op.Create("/f", 0644));
    ok(new Op.Create("/g", 0644));
    ok(new Op.Write(new ByPath("/f"), 0, 9_000, 0));
    ok(new Op.Truncate(new ByPath("/g"), 9_000));
    Tree tree = fs.tree();
    assertThat(entry(tree, "/f").content()).isEqualTo(entry(tree, "/g").content());
  }

  @Test
  void aDifferenceNamesThePathAndWhatIsWrongThere() {
    ReferenceFs other = new ReferenceFs();
    for (ReferenceFs each : List.of(fs, other)) {
      each.apply(new Op.Mkdir("/d", 0755));
      each.apply(new Op.Create("/d/f", 0644));
      each.apply(new Op.Write(new ByPath("/d/f"), 0, 9_000, 3));
    }
    assertThat(fs.tree().firstDifference(other.tree(), false)).isNull();
    other.apply(new Op.Write(new ByPath("/d/f"), 5_000, 1, 1));
    assertThat(fs.tree().firstDifference(other.tree(), false))
        .isEqualTo("/d/f: content differs between bytes 4096 and 8192 of 9000");
    other.apply(new Op.Chmod("/d", 0700));
    assertThat(fs.tree().firstDifference(other.tree(), false))
        .startsWith("/d: expected Attributes");
    other.apply(new Op.Create("/a", 0644));
    assertThat(fs.tree().firstDifference(other.tree(), false)).isEqualTo("/a: should not exist");
  }

  @Test
  void aTimeIsComparedOnlyWhereItWasSet() {
    ok(new Op.Create("/f", 0644));
    ok(new Op.SetTimes("/f", 1, 42));
    Attributes set = entry(fs.tree(), "/f").attributes();
    assertThat(set.agrees(set.withMtime(43))).isFalse();
    assertThat(set.agrees(set.withMtime(Attributes.UNKNOWN))).isTrue();
    ok(new Op.Write(new ByPath("/f"), 0, 1, 2));
    Attributes written = entry(fs.tree(), "/f").attributes();
    assertThat(written.agrees(written.withMtime(43))).isTrue();
  }

  @Test
  void theGeneratorMeetsEveryOperationAndEveryRefusal() {
    Set<Class<?>> kinds = new HashSet<>();
    EnumSet<Errno> refusals = EnumSet.noneOf(Errno.class);
    int done = 0;
    int total = 0;
    for (long seed = 0; seed < 20; seed++) {
      ReferenceFs model = new ReferenceFs();
      model.apply(new Op.Mkdir("/w", 0755));
      OpGenerator generator = new OpGenerator(new SimRandom(seed), model, "/w", 2_000_000, 0, 3);
      for (int i = 0; i < 1_000; i++) {
        Op op = generator.next();
        kinds.add(op.getClass());
        total++;
        if (model.apply(op) instanceof Outcome.Failed(Errno errno)) {
          refusals.add(errno);
        } else {
          done++;
        }
      }
      assertThat(model.apply(new Op.Readdir("/"))).isEqualTo(new Outcome.Names(List.of("w")));
      assertThat(model.storedBytes()).isLessThan(20_000_000);
    }
    assertThat(kinds).containsExactlyInAnyOrder(Op.class.getPermittedSubclasses());
    assertThat(refusals)
        .contains(
            Errno.ENOENT,
            Errno.EEXIST,
            Errno.ENOTDIR,
            Errno.EISDIR,
            Errno.ENOTEMPTY,
            Errno.EINVAL,
            Errno.ENAMETOOLONG,
            Errno.ENODATA,
            Errno.EPERM,
            Errno.EBADF);
    assertThat(done).isGreaterThan(total / 2);
  }

  @Test
  void theSameSeedDrawsTheSameOperations() {
    assertThat(drawn(11)).isEqualTo(drawn(11)).isNotEqualTo(drawn(12));
  }

  private static List<Op> drawn(long seed) {
    ReferenceFs model = new ReferenceFs();
    OpGenerator generator = new OpGenerator(new SimRandom(seed), model, "", 1_000_000, 0, 2);
    List<Op> ops = new java.util.ArrayList<>();
    for (int i = 0; i < 500; i++) {
      Op op = generator.next();
      ops.add(op);
      model.apply(op);
    }
    return ops;
  }
}
