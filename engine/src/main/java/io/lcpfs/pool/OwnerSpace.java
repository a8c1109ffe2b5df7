package io.lcpfs.pool;

import io.lcpfs.object.ObjectAccounts.Owner;

/**
 * What a user, group or project has in a dataset or snapshot, as of the last group.
 *
 * @param id its number, unsigned
 * @param bytes on disk, all copies, with a dnode for each object
 * @param objects files, directories, links and special files
 * @param quota bytes that it may have, 0 for no limit
 * @param objectQuota objects that it may have, 0 for no limit
 */
public record OwnerSpace(
    Owner owner, int id, long bytes, long objects, long quota, long objectQuota) {}
