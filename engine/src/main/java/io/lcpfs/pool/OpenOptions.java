package io.lcpfs.pool;

/**
 * How a pool is imported.
 *
 * @param readOnly write nothing, refuse changes with EROFS
 * @param newName rename the pool; the empty string keeps its name
 * @param poolGuid import only this pool; 0 for whatever the devices hold
 * @param force import although another host seems to hold it
 * @param host who imports it
 * @param tuning what the imported pool may use
 */
public record OpenOptions(
    boolean readOnly, String newName, long poolGuid, boolean force, Host host, Tuning tuning) {

  /** Writable, same name, no force. */
  public static OpenOptions standard() {
    return new OpenOptions(false, "", 0, false, Host.UNKNOWN, Tuning.standard());
  }

  public OpenOptions withReadOnly(boolean value) {
    return new OpenOptions(value, newName, poolGuid, force, host, tuning);
  }

  public OpenOptions withNewName(String value) {
    return new OpenOptions(readOnly, value, poolGuid, force, host, tuning);
  }

  public OpenOptions withPoolGuid(long value) {
    return new OpenOptions(readOnly, newName, value, force, host, tuning);
  }

  public OpenOptions withForce(boolean value) {
    return new OpenOptions(readOnly, newName, poolGuid, value, host, tuning);
  }

  public OpenOptions withHost(Host value) {
    return new OpenOptions(readOnly, newName, poolGuid, force, value, tuning);
  }

  public OpenOptions withTuning(Tuning value) {
    return new OpenOptions(readOnly, newName, poolGuid, force, host, value);
  }
}
