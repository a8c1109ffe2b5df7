package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;

/** The pool's own objects by name: a ZAP, object 1 of the meta object set. */
final class MetaDirectory {
  static final long OBJECT = 1;
  static final String SPACE_MAPS = "space_maps";
  static final String ROOT_DATASET = "root_dataset";
  static final String POOL_PROPERTIES = "pool_properties";
  static final String HISTORY = "history";
  static final String DESTROYED = "destroyed";
  static final String FREEING = "freeing";
  static final String RECEIVING = "receiving";
  static final String BLOCK_REFERENCES = "block_references";

  private final ObjectSet meta;
  private final Env env;

  MetaDirectory(ObjectSet meta, Env env) {
    this.meta = meta;
    this.env = env;
  }

  /** Creates the directory itself; the first object of a new pool. */
  void create(Tx tx) {
    try (Dnode directory = meta.create(tx, ObjectType.ZAP, 512)) {
      Check.that(directory.number() == OBJECT, "number of the directory", directory.number());
      Zap.create(tx, directory, env);
    }
  }

  /** Enters an object. */
  void put(Tx tx, String name, long object) {
    try (Dnode directory = meta.hold(OBJECT)) {
      Zap.open(directory, env).putLong(tx, name.getBytes(US_ASCII), object);
    }
  }

  /** Creates a ZAP and enters it; held for the caller. */
  Dnode createZap(Tx tx, String name) {
    Dnode zap = meta.create(tx, ObjectType.ZAP, 512);
    Zap.create(tx, zap, env);
    put(tx, name, zap.number());
    return zap;
  }

  /** The number of the object entered as {@code name}, 0 when there is none. */
  long find(String name) {
    try (Dnode directory = meta.hold(OBJECT)) {
      long number = Zap.open(directory, env).getLong(name.getBytes(US_ASCII));
      return number == Zap.ABSENT ? 0 : number;
    }
  }

  /** The object entered as {@code name}, held for the caller; Corrupt when it is missing. */
  Dnode hold(String name, ObjectType type) {
    long number;
    try (Dnode directory = meta.hold(OBJECT)) {
      if (directory.type() != ObjectType.ZAP) {
        throw PoolException.corrupt("meta_directory.type", directory.type().code());
      }
      number = Zap.open(directory, env).getLong(name.getBytes(US_ASCII));
    }
    if (number == Zap.ABSENT) {
      throw PoolException.corrupt("meta_directory", name + " is missing");
    }
    Dnode object;
    try {
      object = meta.hold(number);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        throw PoolException.corrupt("meta_directory." + name, "there is no object " + number);
      }
      throw e;
    }
    if (object.type() != type) {
      object.close();
      throw PoolException.corrupt(
          "meta_directory." + name, "object " + number + " is " + object.type());
    }
    return object;
  }
}
