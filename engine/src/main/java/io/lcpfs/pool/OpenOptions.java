package io.lcpfs.pool;

/**
 * How a pool is imported.
 *
 * @param readOnly write nothing, refuse changes with EROFS
 * @param newName rename the pool; the empty string keeps its name
 * @param poolGuid import only this pool; 0 for whatever the devices hold
 * @param force import although another host seems to hold it
 * @param rewind go back to the pool's checkpoint: what was done since is lost; read-only, look at
 *     it
 * @param host who imports it
 * @param tuning what the imported pool may use
 */
public record OpenOptions(
    boolean readOnly,
    String newName,
    long poolGuid,
    boolean force,
    boolean rewind,
    Host host,
    Tuning tuning) {

  /** Writable, same name, no force. */
  public static OpenOptions standard() {
    return new OpenOptions(false, "", 0, false, false, Host.UNKNOWN, Tuning.standard());
  }

  public OpenOptions withReadOnly(boolean value) {
    return new OpenOptions(value, newName, poolGuid, force, rewind, host, tuning);
  }

  public OpenOptions withNewName(String value) {
    return new OpenOptions(readOnly, value, poolGuid, force, rewind, host, tuning);
  }

  public OpenOptions withPoolGuid(long value) {
    return new OpenOptions(readOnly, newName, value, force, rewind, host, tuning);
  }

  public OpenOptions withForce(boolean value) {
    return new OpenOptions(readOnly, newName, poolGuid, value, rewind, host, tuning);
  }

  public OpenOptions withRewind(boolean value) {
    return new OpenOptions(readOnly, newName, poolGuid, force, value, host, tuning);
  }

  public OpenOptions withHost(Host value) {
    return new OpenOptions(readOnly, newName, poolGuid, force, rewind, value, tuning);
  }

  public OpenOptions withTuning(Tuning value) {
    return new OpenOptions(readOnly, newName, poolGuid, force, rewind, host, value);
  }
}
