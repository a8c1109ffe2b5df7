package io.lcpfs.codec;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.tukaani.xz.ArrayCache;
import org.tukaani.xz.FinishableOutputStream;

/** What one LZMA computation needs around the library: arrays, and streams over segments. */
final class LzmaScratch {
  /** Larger arrays belong to rare large blocks and go back to the garbage collector. */
  private static final int LARGEST_KEPT_BYTES = 2 << 20;

  /** The target is full. Carries no stack trace: for incompressible data it is a normal outcome. */
  static final class Full extends IOException {
    private static final long serialVersionUID = 1L;

    Full() {
      super("target full");
    }

    @SuppressWarnings("UnsynchronizedOverridesSynchronized") // Shares nothing with the original.
    @Override
    public Throwable fillInStackTrace() {
      return this;
    }
  }

  /** The end of a native segment as an output stream. */
  static final class Sink extends FinishableOutputStream {
    private final MemorySegment room;
    private int written;

    private Sink(MemorySegment room) {
      this.room = room;
    }

    int writtenBytes() {
      return written;
    }

    @Override
    public void write(int value) throws IOException {
      if (written == room.byteSize()) {
        throw new Full();
      }
      room.set(ValueLayout.JAVA_BYTE, written++, (byte) value);
    }

    @Override
    public void write(byte[] buffer, int offset, int length) throws IOException {
      if (length > room.byteSize() - written) {
        throw new Full();
      }
      MemorySegment.copy(buffer, offset, room, ValueLayout.JAVA_BYTE, written, length);
      written += length;
    }
  }

  /** A segment as an input stream. */
  static final class Feed extends InputStream {
    private final MemorySegment bytes;
    private int position;

    private Feed(MemorySegment bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return position == bytes.byteSize()
          ? -1
          : bytes.get(ValueLayout.JAVA_BYTE, position++) & 0xFF;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) {
      int step = (int) Math.min(length, bytes.byteSize() - position);
      if (step == 0 && length > 0) {
        return -1;
      }
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, position, buffer, offset, step);
      position += step;
      return step;
    }
  }

  /**
   * Lends arrays and takes all of them back at once, because the library gives none back when its
   * output fails. Belongs to one computation at a time, so it needs no lock.
   */
  private static final class Arrays extends ArrayCache {
    private static final int KEPT = 12;

    private final ArrayDeque<byte[]> idleBytes = new ArrayDeque<>();
    private final ArrayDeque<int[]> idleInts = new ArrayDeque<>();
    private final List<byte[]> lentBytes = new ArrayList<>();
    private final List<int[]> lentInts = new ArrayList<>();

    @Override
    public byte[] getByteArray(int size, boolean fillWithZeros) {
      byte[] array = null;
      for (Iterator<byte[]> idle = idleBytes.iterator(); array == null && idle.hasNext(); ) {
        byte[] candidate = idle.next();
        if (candidate.length == size) {
          idle.remove();
          array = candidate;
        }
      }
      if (array == null) {
        array = new byte[size];
      } else if (fillWithZeros) {
        java.util.Arrays.fill(array, (byte) 0);
      }
      lentBytes.add(array);
      return array;
    }

    @Override
    public int[] getIntArray(int size, boolean fillWithZeros) {
      int[] array = null;
      for (Iterator<int[]> idle = idleInts.iterator(); array == null && idle.hasNext(); ) {
        int[] candidate = idle.next();
        if (candidate.length == size) {
          idle.remove();
          array = candidate;
        }
      }
      if (array == null) {
        array = new int[size];
      } else if (fillWithZeros) {
        java.util.Arrays.fill(array, 0);
      }
      lentInts.add(array);
      return array;
    }

    void takeBack() {
      for (byte[] array : lentBytes) {
        if (array.length <= LARGEST_KEPT_BYTES) {
          idleBytes.addFirst(array);
        }
      }
      for (int[] array : lentInts) {
        if (array.length <= LARGEST_KEPT_BYTES / Integer.BYTES) {
          idleInts.addFirst(array);
        }
      }
      lentBytes.clear();
      lentInts.clear();
      while (idleBytes.size() > KEPT) {
        idleBytes.removeLast();
      }
      while (idleInts.size() > KEPT) {
        idleInts.removeLast();
      }
    }
  }

  private final Arrays arrays = new Arrays();

  /** At least {@code bytes} long, content arbitrary, until {@link #release}. */
  byte[] data(int bytes) {
    return arrays.getByteArray((int) Long.highestOneBit(bytes * 2L - 1), false);
  }

  ArrayCache arrays() {
    return arrays;
  }

  /** Writes behind the length field of {@code target}, at most {@code roomBytes}. */
  Sink sink(MemorySegment target, int roomBytes) {
    return new Sink(target.asSlice(Compressor.HEADER_BYTES, roomBytes));
  }

  /** Reads the {@code lengthBytes} behind the length field of {@code source}. */
  Feed feed(MemorySegment source, int lengthBytes) {
    return new Feed(source.asSlice(Compressor.HEADER_BYTES, lengthBytes));
  }

  /** Ends the computation: all its arrays may be lent again. */
  void release() {
    arrays.takeBack();
  }
}
