package io.lcpfs.pool;

import io.lcpfs.object.ObjectAccounts.Owner;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A property of one owner, such as {@code userquota@1000}.
 *
 * @param owner whose
 * @param id number of the user, group or project, unsigned
 * @param objects whether it is about the number of objects, not of bytes
 * @param used whether it is what is used, not a quota
 */
public record OwnerRule(Owner owner, int id, boolean objects, boolean used) {
  private static final long MAX_ID = 0xffff_ffffL;

  /** The property of this name, or null when it is none of an owner. */
  public static @Nullable OwnerRule of(String name) {
    int at = name.indexOf('@');
    if (at < 0) {
      return null;
    }
    String id = name.substring(at + 1);
    for (Owner owner : Owner.values()) {
      String prefix = owner.name().toLowerCase(Locale.ROOT);
      String rest = name.startsWith(prefix) ? name.substring(prefix.length(), at) : "";
      boolean known =
          switch (rest) {
            case "quota", "objquota", "used", "objused" -> true;
            default -> false;
          };
      if (known) {
        return id.matches("[0-9]{1,10}") && Long.parseLong(id) <= MAX_ID
            ? new OwnerRule(
                owner, (int) Long.parseLong(id), rest.startsWith("obj"), rest.endsWith("used"))
            : null;
      }
    }
    return null;
  }

  /** Its name. */
  public String name() {
    return owner.name().toLowerCase(Locale.ROOT)
        + (objects ? "obj" : "")
        + (used ? "used" : "quota")
        + "@"
        + Integer.toUnsignedString(id);
  }
}
