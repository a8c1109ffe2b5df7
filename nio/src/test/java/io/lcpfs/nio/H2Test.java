package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.store.fs.FilePath;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** H2, a database in pure Java, with its files on the provider. */
class H2Test {
  private static final String URL = "jdbc:h2:lcpfstest:/db/test";
  private static final int ROWS = 20_000;
  private static final FilePathLcpfs FILES = new FilePathLcpfs();

  @TempDir Path host;

  @BeforeAll
  static void register() {
    FilePath.register(FILES);
  }

  @AfterAll
  static void unregister() {
    FilePath.unregister(FILES);
    FilePathLcpfs.fs = null;
  }

  private FileSystem open() throws IOException {
    FileSystem fs = LcpfsFileSystems.openOrCreate(host.resolve("db.img"), Map.of("size", "256M"));
    FilePathLcpfs.fs = fs;
    return fs;
  }

  @Test
  void aDatabaseIsFilledReopenedAndQueried() throws Exception {
    try (FileSystem fs = open()) {
      try (Connection connection = DriverManager.getConnection(URL)) {
        fill(connection);
      }
      assertThat(Files.size(fs.getPath("/db/test.mv.db"))).isGreaterThan(100_000);
    }
    try (FileSystem fs = open()) {
      assertThat(fs.isOpen()).isTrue();
      try (Connection connection = DriverManager.getConnection(URL)) {
        query(connection);
        update(connection);
        try (Statement statement = connection.createStatement()) {
          statement.execute("BACKUP TO 'lcpfstest:/backup.zip'");
          statement.execute("SHUTDOWN COMPACT");
        }
      }
      assertThat(Files.size(fs.getPath("/backup.zip"))).isPositive();
      try (Connection connection = DriverManager.getConnection(URL + ";IFEXISTS=TRUE")) {
        assertThat(number(connection, "SELECT COUNT(*) FROM items")).isEqualTo(ROWS - ROWS / 10);
      }
    }
  }

  private static void fill(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE items(id INT PRIMARY KEY, name VARCHAR, amount BIGINT)");
      statement.execute("CREATE INDEX by_name ON items(name)");
    }
    try (PreparedStatement insert =
        connection.prepareStatement("INSERT INTO items VALUES(?, ?, ?)")) {
      for (int i = 0; i < ROWS; i++) {
        insert.setInt(1, i);
        insert.setString(2, "name-" + i % 1000);
        insert.setLong(3, (long) i * i);
        insert.addBatch();
        if (i % 1000 == 999) {
          insert.executeBatch();
          connection.commit();
        }
      }
    }
  }

  private static void query(Connection connection) throws SQLException {
    assertThat(number(connection, "SELECT COUNT(*) FROM items")).isEqualTo(ROWS);
    assertThat(number(connection, "SELECT COUNT(*) FROM items WHERE name = 'name-42'"))
        .isEqualTo(ROWS / 1000);
    long expected = IntStream.range(0, ROWS).mapToLong(i -> (long) i * i).sum();
    assertThat(number(connection, "SELECT SUM(amount) FROM items")).isEqualTo(expected);
  }

  private static long number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      assertThat(result.next()).isTrue();
      return result.getLong(1);
    }
  }

  private static void update(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      assertThat(statement.executeUpdate("DELETE FROM items WHERE MOD(id, 10) = 0"))
          .isEqualTo(ROWS / 10);
      connection.rollback();
      assertThat(number(connection, "SELECT COUNT(*) FROM items")).isEqualTo(ROWS);
      statement.executeUpdate("DELETE FROM items WHERE MOD(id, 10) = 0");
      connection.commit();
    }
  }

  @Test
  void aDatabaseThatIsOpenIsLocked() throws Exception {
    try (FileSystem fs = open();
        MVStore store = MVStore.open("lcpfstest:/locked.mv")) {
      assertThat(fs.isOpen()).isTrue();
      assertThatThrownBy(() -> MVStore.open("lcpfstest:/locked.mv").close())
          .hasMessageContaining("locked");
      assertThat(store.isClosed()).isFalse();
    }
  }

  @Test
  void aStoreThatManyThreadsWriteKeepsEverything() throws Exception {
    try (FileSystem fs = open()) {
      assertThat(fs.isOpen()).isTrue();
      try (MVStore store = MVStore.open("lcpfstest:/many.mv")) {
        MVMap<Integer, String> map = store.openMap("map");
        List<FutureTask<Boolean>> writers =
            IntStream.range(0, 4)
                .mapToObj(
                    writer ->
                        new FutureTask<>(
                            () -> {
                              for (int i = writer; i < 20_000; i += 4) {
                                map.put(i, "value " + i);
                                if (i % 1000 == writer) {
                                  store.commit();
                                }
                              }
                              return true;
                            }))
                .toList();
        writers.forEach(writer -> Thread.ofPlatform().start(writer));
        for (FutureTask<Boolean> writer : writers) {
          assertThat(writer.get()).isTrue();
        }
      }
      try (MVStore store = MVStore.open("lcpfstest:/many.mv")) {
        MVMap<Integer, String> map = store.openMap("map");
        assertThat(map.size()).isEqualTo(20_000);
        assertThat(map.get(12_345)).isEqualTo("value 12345");
      }
    }
  }
}
