package io.lcpfs.cli.owner;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** A frame that is to be sent: length, type and fields, big-endian. */
final class FrameBuilder {
  private static final int HEADER_BYTES = 5;

  private byte[] bytes = new byte[256];
  private int size = HEADER_BYTES;

  FrameBuilder(byte type) {
    bytes[4] = type;
  }

  private ByteBuffer room(int more) {
    if (more > Protocol.MOST_FRAME_BYTES - size) {
      throw PoolException.refused(
          Errno.E2BIG, "more than fits a frame of the owner's socket; ask for less at once");
    }
    if (more > bytes.length - size) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, size + more));
    }
    ByteBuffer at = ByteBuffer.wrap(bytes, size, more);
    size += more;
    return at;
  }

  FrameBuilder put(byte value) {
    room(1).put(value);
    return this;
  }

  FrameBuilder put(int value) {
    room(4).putInt(value);
    return this;
  }

  FrameBuilder put(long value) {
    room(8).putLong(value);
    return this;
  }

  FrameBuilder put(byte[] value) {
    return put(value, 0, value.length);
  }

  FrameBuilder put(byte[] value, int offset, int length) {
    put(length);
    room(length).put(value, offset, length);
    return this;
  }

  FrameBuilder put(String text) {
    return put(text.getBytes(NameText.CHARSET));
  }

  /** The whole frame. */
  ByteBuffer build() {
    ByteBuffer frame = ByteBuffer.wrap(bytes, 0, size);
    frame.putInt(0, size - 4);
    return frame;
  }
}
