package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.RangeLocks.Held;
import io.lcpfs.posix.RangeLocks.Kind;
import io.lcpfs.posix.RangeLocks.Owner;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RangeLocksTest {
  private static final long FILE = 7;
  private static final int BYTES = 24;
  private final RangeLocks locks = new RangeLocks();
  private final Owner a = Owner.ofProcess(1);
  private final Owner b = Owner.ofProcess(2);
  private final Owner c = Owner.ofProcess(3);

  private static void lock(RangeLocks locks, Owner owner, Kind kind, long first, long last) {
    locks.lock(FILE, owner, kind, first, last, false);
  }

  /** What each byte is locked by: byte and owner to kind. */
  private static boolean free(@Nullable Kind[][] model, int owner, Kind kind, int first, int last) {
    for (int at = first; at <= last; at++) {
      for (int other = 0; other < model[at].length; other++) {
        Kind held = model[at][other];
        if (other != owner && held != null && (held == Kind.EXCLUSIVE || kind == Kind.EXCLUSIVE)) {
          return false;
        }
      }
    }
    return true;
  }

  @Test
  void everyByteIsLockedAsAModelOfBytesSays() {
    for (int seed = 0; seed < 60; seed++) {
      RangeLocks table = new RangeLocks();
      Owner[] owners = {Owner.ofProcess(1), Owner.ofProcess(2), Owner.ofDescription()};
      @Nullable Kind[][] model = new Kind[BYTES][owners.length];
      Random random = new Random(seed);
      for (int step = 0; step < 200; step++) {
        int who = random.nextInt(owners.length);
        int first = random.nextInt(BYTES);
        int last = first + random.nextInt(BYTES - first);
        Kind kind = random.nextBoolean() ? Kind.SHARED : Kind.EXCLUSIVE;
        switch (random.nextInt(5)) {
          case 0 -> {
            table.unlock(FILE, owners[who], first, last);
            fill(model, who, null, first, last);
          }
          case 1 -> {
            if (random.nextInt(4) == 0) {
              table.release(FILE, owners[who]);
              fill(model, who, null, 0, BYTES - 1);
            }
          }
          default -> {
            if (free(model, who, kind, first, last)) {
              lock(table, owners[who], kind, first, last);
              fill(model, who, kind, first, last);
            } else {
              assertThat(errno(() -> lock(table, owners[who], kind, first, last)))
                  .isEqualTo(Errno.EAGAIN);
            }
          }
        }
        compare(table, owners, model);
      }
    }
  }

  private static void fill(
      @Nullable Kind[][] model, int owner, @Nullable Kind kind, int first, int last) {
    for (int at = first; at <= last; at++) {
      model[at][owner] = kind;
    }
  }

  private static void compare(RangeLocks table, Owner[] owners, @Nullable Kind[][] model) {
    @Nullable Kind[][] found = new Kind[BYTES][owners.length];
    List<Held> held = table.held(FILE);
    for (int i = 0; i < held.size(); i++) {
      Held one = held.get(i);
      int owner = List.of(owners).indexOf(one.owner());
      for (int at = (int) one.first(); at <= one.last(); at++) {
        assertThat(found[at][owner]).as("twice at " + at).isNull();
        found[at][owner] = one.kind();
      }
      for (Held other : held) {
        // Neighbours of one kind are one lock, or the table would grow without bound.
        assertThat(
                other.owner() == one.owner()
                    && other.kind() == one.kind()
                    && other.first() == one.last() + 1)
            .isFalse();
      }
      assertThat(i == 0 || held.get(i - 1).first() <= one.first()).isTrue();
    }
    assertThat(found).isEqualTo(model);
    for (int owner = 0; owner < owners.length; owner++) {
      for (Kind kind : Kind.values()) {
        Held conflict = table.conflict(FILE, owners[owner], kind, 3, BYTES - 1);
        assertThat(conflict == null).isEqualTo(free(model, owner, kind, 3, BYTES - 1));
      }
    }
  }

  private CompletableFuture<Void> inThread(Runnable body) {
    CompletableFuture<Void> end = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(
            () -> {
              try {
                body.run();
                end.complete(null);
              } catch (RuntimeException e) {
                end.completeExceptionally(e);
              }
            });
    return end;
  }

  private void awaitWaiters(long inode, int count) throws InterruptedException {
    while (locks.waiters(inode) != count) {
      TimeUnit.MILLISECONDS.sleep(1);
    }
  }

  private static Errno failure(CompletableFuture<Void> end) {
    Throwable cause = end.handle((done, thrown) -> thrown).join();
    assertThat(cause).isInstanceOf(PoolException.class);
    return ((PoolException) cause).errno();
  }

  @Test
  void everyWaiterGetsItsLockWhenTheOthersLetGo() throws Exception {
    lock(locks, a, Kind.EXCLUSIVE, 0, 9);
    CompletableFuture<Void> second = inThread(() -> locks.lock(FILE, b, Kind.SHARED, 5, 20, true));
    CompletableFuture<Void> third = inThread(() -> locks.lock(FILE, c, Kind.SHARED, 0, 6, true));
    awaitWaiters(FILE, 2);
    locks.unlock(FILE, a, 5, 9);
    second.join();
    awaitWaiters(FILE, 1);
    lock(locks, a, Kind.SHARED, 0, 4);
    third.join();
    assertThat(locks.held(FILE)).hasSize(3);
  }

  @Test
  void everyCircleOfWaitingProcessesIsRefused() throws Exception {
    lock(locks, a, Kind.EXCLUSIVE, 0, 0);
    lock(locks, b, Kind.EXCLUSIVE, 1, 1);
    locks.lock(FILE + 1, c, Kind.EXCLUSIVE, 2, 2, false);
    CompletableFuture<Void> one = inThread(() -> locks.lock(FILE, a, Kind.SHARED, 1, 1, true));
    CompletableFuture<Void> two =
        inThread(() -> locks.lock(FILE + 1, b, Kind.EXCLUSIVE, 0, 9, true));
    awaitWaiters(FILE, 1);
    awaitWaiters(FILE + 1, 1);
    assertThat(errno(() -> locks.lock(FILE, c, Kind.EXCLUSIVE, 0, 5, true)))
        .isEqualTo(Errno.EDEADLK);
    assertThat(errno(() -> locks.lock(FILE, c, Kind.EXCLUSIVE, 0, 5, false)))
        .isEqualTo(Errno.EAGAIN);
    locks.release(FILE + 1, c);
    two.join();
    locks.release(FILE, b);
    one.join();
  }

  @Test
  void twoWhoWantTheSameBytesForThemselvesDoNotWaitForEachOther() throws Exception {
    lock(locks, a, Kind.SHARED, 0, 0);
    lock(locks, b, Kind.SHARED, 0, 0);
    CompletableFuture<Void> one = inThread(() -> locks.lock(FILE, a, Kind.EXCLUSIVE, 0, 0, true));
    awaitWaiters(FILE, 1);
    assertThat(errno(() -> locks.lock(FILE, b, Kind.EXCLUSIVE, 0, 0, true)))
        .isEqualTo(Errno.EDEADLK);
    locks.release(FILE, b);
    one.join();
    assertThat(locks.held(FILE)).containsExactly(new Held(a, Kind.EXCLUSIVE, 0, 0));
  }

  @Test
  void everyCircleThatALockClosesLaterIsFoundToo() throws Exception {
    lock(locks, b, Kind.EXCLUSIVE, 1, 1);
    lock(locks, c, Kind.SHARED, 0, 0);
    CompletableFuture<Void> one = inThread(() -> locks.lock(FILE, a, Kind.SHARED, 1, 1, true));
    CompletableFuture<Void> two = inThread(() -> locks.lock(FILE, b, Kind.EXCLUSIVE, 0, 0, true));
    awaitWaiters(FILE, 2);
    lock(locks, a, Kind.SHARED, 0, 0);
    Throwable first = CompletableFuture.anyOf(one, two).handle((done, thrown) -> thrown).join();
    assertThat(first)
        .cause()
        .isInstanceOfSatisfying(
            PoolException.class, cause -> assertThat(cause.errno()).isEqualTo(Errno.EDEADLK));
    locks.release(FILE, a);
    locks.release(FILE, b);
    locks.release(FILE, c);
    CompletableFuture.allOf(one.handle((d, e) -> 0), two.handle((d, e) -> 0)).join();
  }

  @Test
  void descriptionsWaitWithoutASearchForCircles() throws Exception {
    Owner d = Owner.ofDescription();
    Owner e = Owner.ofDescription();
    lock(locks, d, Kind.EXCLUSIVE, 0, 0);
    lock(locks, e, Kind.EXCLUSIVE, 1, 1);
    CompletableFuture<Void> one = inThread(() -> locks.lock(FILE, d, Kind.EXCLUSIVE, 1, 1, true));
    CompletableFuture<Void> two = inThread(() -> locks.lock(FILE, e, Kind.EXCLUSIVE, 0, 0, true));
    awaitWaiters(FILE, 2);
    locks.release(FILE, d);
    two.join();
    locks.release(FILE, e);
    one.join();
  }

  @Test
  void everyWaiterIsSentAwayWhenInterruptedOrClosed() throws Exception {
    lock(locks, a, Kind.EXCLUSIVE, 0, 0);
    CompletableFuture<Void> closed = inThread(() -> locks.lock(FILE, b, Kind.SHARED, 0, 0, true));
    CompletableFuture<Thread> waiting = new CompletableFuture<>();
    CompletableFuture<Void> interrupted =
        inThread(
            () -> {
              waiting.complete(Thread.currentThread());
              locks.lock(FILE, c, Kind.SHARED, 0, 0, true);
            });
    awaitWaiters(FILE, 2);
    waiting.join().interrupt();
    assertThat(failure(interrupted)).isEqualTo(Errno.EINTR);
    assertThat(locks.waiters(FILE)).isEqualTo(1);
    locks.close();
    assertThat(failure(closed)).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> lock(locks, a, Kind.SHARED, 5, 5))).isEqualTo(Errno.EBADF);
    locks.release(FILE, a);
  }

  @Test
  void everyTableHasALimitThatOnlyMoreLocksMeet() {
    RangeLocks small = new RangeLocks(3);
    for (int i = 0; i < 3; i++) {
      lock(small, a, Kind.SHARED, 10L * i, 10L * i + 5);
    }
    assertThat(errno(() -> lock(small, b, Kind.SHARED, 0, 0))).isEqualTo(Errno.ENOLCK);
    assertThat(errno(() -> small.unlock(FILE, a, 2, 3))).isEqualTo(Errno.ENOLCK);
    assertThat(small.held(FILE)).hasSize(3);
    lock(small, a, Kind.SHARED, 0, 25);
    assertThat(small.held(FILE)).containsExactly(new Held(a, Kind.SHARED, 0, 25));
    small.unlock(FILE, a, 2, 3);
    lock(small, b, Kind.SHARED, 0, RangeLocks.TO_THE_END);
    small.release(FILE, a);
    small.release(FILE, b);
    for (int i = 0; i < 3; i++) {
      small.lock(i, c, Kind.EXCLUSIVE, 0, 0, false);
    }
    assertThat(errno(() -> small.lock(9, c, Kind.EXCLUSIVE, 0, 0, false))).isEqualTo(Errno.ENOLCK);
  }

  @Test
  void everyRangeHasAFirstAndALastByte() {
    assertThat(errno(() -> lock(locks, a, Kind.SHARED, -1, 5))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> lock(locks, a, Kind.SHARED, 5, 4))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> locks.unlock(FILE, a, 5, 4))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> locks.conflict(FILE, a, Kind.SHARED, 5, 4))).isEqualTo(Errno.EINVAL);
  }
}
