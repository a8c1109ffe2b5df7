package io.lcpfs.posix;

/** What create answers: the attributes and the open handle, which the caller closes. */
public record Created(Attr attr, FileHandle handle) {}
