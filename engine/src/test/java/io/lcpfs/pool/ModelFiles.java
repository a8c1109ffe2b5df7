package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Files of one directory as a model has them: contents by name. */
final class ModelFiles {
  private ModelFiles() {}

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  /** The root has these files with these contents and no others. */
  static void same(PosixFileSystem fs, Map<String, byte[]> model, String what) {
    List<String> found = new ArrayList<>();
    try (FileHandle root = fs.paths().open(path("/"), OpenFlags.O_DIRECTORY, 0, Caller.ROOT)) {
      fs.readdir(root, 0, (cookie, name, inode, type) -> found.add(new String(name, UTF_8)));
    }
    found.removeIf(name -> name.equals(".") || name.equals(".."));
    assertThat(found).as(what).containsExactlyInAnyOrderElementsOf(model.keySet());
    model.forEach(
        (name, content) -> {
          byte[] bytes = new byte[content.length + 1];
          try (FileHandle file = fs.paths().open(path(name), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
            int count = file.read(0, MemorySegment.ofArray(bytes), 0, bytes.length);
            assertThat(count).as(what + " " + name).isEqualTo(content.length);
          }
          assertThat(Arrays.mismatch(bytes, 0, content.length, content, 0, content.length))
              .as(what + " " + name)
              .isEqualTo(-1);
        });
  }
}
