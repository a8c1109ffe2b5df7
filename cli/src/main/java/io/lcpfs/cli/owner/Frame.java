package io.lcpfs.cli.owner;

import io.lcpfs.format.NameText;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * A frame that arrived, read field by field. Whatever it holds, reading it ends in a value or in
 * {@link Malformed}.
 */
final class Frame {
  private final byte type;
  private final ByteBuffer body;

  Frame(byte type, ByteBuffer body) {
    this.type = type;
    this.body = body;
  }

  byte type() {
    return type;
  }

  /** What arrived is no frame of the protocol; the connection is of no further use. */
  static final class Malformed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Malformed(String what) {
      super("malformed frame on the owner's socket: " + what);
    }
  }

  private static Malformed malformed(String what) {
    return new Malformed(what);
  }

  /** Throws unless it is of this type. */
  Frame expect(byte expected) {
    if (type != expected) {
      throw malformed("type " + type + " instead of " + expected);
    }
    return this;
  }

  byte getByte() {
    try {
      return body.get();
    } catch (BufferUnderflowException e) {
      throw malformed("it ends early");
    }
  }

  int getInt() {
    try {
      return body.getInt();
    } catch (BufferUnderflowException e) {
      throw malformed("it ends early");
    }
  }

  long getLong() {
    try {
      return body.getLong();
    } catch (BufferUnderflowException e) {
      throw malformed("it ends early");
    }
  }

  byte[] getBytes() {
    int length = getInt();
    if (length < 0 || length > body.remaining()) {
      throw malformed(length + " bytes of " + body.remaining());
    }
    byte[] bytes = new byte[length];
    body.get(bytes);
    return bytes;
  }

  /** UTF-8, and names in it as their bytes; see {@link NameText}. */
  String getText() {
    return NameText.decode(getBytes());
  }

  /** A count of things that take at least a byte each. */
  int getCount() {
    int count = getInt();
    if (count < 0 || count > body.remaining()) {
      throw malformed(count + " things in " + body.remaining() + " bytes");
    }
    return count;
  }

  /** Throws when something is left. */
  void end() {
    if (body.hasRemaining()) {
      throw malformed(body.remaining() + " bytes too many");
    }
  }
}
