package io.lcpfs.cli.owner;

/** The numbers of the protocol; docs/OWNER.md says what each frame holds. */
final class Protocol {
  /** "LCPFSOWN" in ASCII. */
  static final long MAGIC = 0x4c435046534f574eL;

  static final int VERSION = 1;

  /** A frame's type and body, in bytes. */
  static final int MOST_FRAME_BYTES = 4 << 20;

  /** What one read, write or piece of output carries at most, in bytes. */
  static final int MOST_DATA_BYTES = 1 << 20;

  static final int MOST_ARGUMENTS = 4096;

  // From the client

  static final byte HELLO = 1;
  static final byte COMMAND = 2;
  static final byte REQUEST = 3;
  static final byte INPUT = 4;

  // From the owner

  static final byte WELCOME = 64;
  static final byte OUTPUT = 65;
  static final byte ERRORS = 66;
  static final byte EXIT = 67;
  static final byte ANSWER = 68;
  static final byte FAILED = 69;
  static final byte WANTED = 70;

  /** What a request asks for, with its number on the wire. */
  enum Operation {
    STAT(0),
    ATTRIBUTES(1),
    LOOKUP(2),
    NAMES(3),
    READ_LINK(4),
    READ_LINK_PATH(5),
    OPEN(6),
    CREATE(7),
    READ(8),
    WRITE(9),
    SEEK_DATA(10),
    SEEK_HOLE(11),
    SET_SIZE(12),
    CLOSE(13),
    MAKE_DIRECTORY(14),
    MAKE_SYMLINK(15),
    MAKE_NODE(16),
    LINK(17),
    REMOVE(18),
    APPLY(19),
    APPLY_TO_NAME(20),
    XATTRS(21),
    SET_XATTR(22),
    SYNC(23),
    COPY(24);

    private static final Operation[] ALL = values();

    private final byte number;

    Operation(int number) {
      this.number = (byte) number;
    }

    byte number() {
      return number;
    }

    /** Throws when no operation has this number. */
    static Operation of(byte number) {
      for (Operation one : ALL) {
        if (one.number == number) {
          return one;
        }
      }
      throw new Frame.Malformed("operation " + number);
    }
  }

  /** Bytes that one request copies, at most: others have to have their turn. */
  static final long MOST_COPIED_BYTES = 1L << 30;

  private Protocol() {}
}
