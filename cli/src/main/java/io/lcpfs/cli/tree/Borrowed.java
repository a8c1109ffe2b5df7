package io.lcpfs.cli.tree;

import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** A directory that somebody else closes. */
final class Borrowed implements TreeDirectory {
  private final TreeDirectory owned;

  Borrowed(TreeDirectory owned) {
    this.owned = owned;
  }

  @Override
  public String display() {
    return owned.display();
  }

  @Override
  public Attributes attributes() {
    return owned.attributes();
  }

  @Override
  public List<byte[]> names() {
    return owned.names();
  }

  @Override
  public @Nullable Attributes stat(byte[] name) {
    return owned.stat(name);
  }

  @Override
  public TreeDirectory directory(byte[] name) {
    return owned.directory(name);
  }

  @Override
  public byte[] readLink(byte[] name) {
    return owned.readLink(name);
  }

  @Override
  public TreeFile open(byte[] name) {
    return owned.open(name);
  }

  @Override
  public TreeFile create(byte[] name) {
    return owned.create(name);
  }

  @Override
  public void makeDirectory(byte[] name) {
    owned.makeDirectory(name);
  }

  @Override
  public void makeSymlink(byte[] name, byte[] target) {
    owned.makeSymlink(name, target);
  }

  @Override
  public void makeNode(byte[] name, int mode, long rdev) {
    owned.makeNode(name, mode, rdev);
  }

  @Override
  public void link(byte[] name, TreeDirectory from, byte[] existing) {
    owned.link(name, from, existing);
  }

  @Override
  public void remove(byte[] name) {
    owned.remove(name);
  }

  @Override
  public void apply(byte[] name, Attributes type, Applied change) {
    owned.apply(name, type, change);
  }

  @Override
  public void apply(Applied change) {
    owned.apply(change);
  }

  @Override
  public SortedMap<String, byte[]> xattrs() {
    return owned.xattrs();
  }

  @Override
  public void setXattr(String name, byte[] value) {
    owned.setXattr(name, value);
  }

  @Override
  public void close() {
    // Its owner closes it.
  }
}
