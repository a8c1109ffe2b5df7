package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.CheckIndex;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.LockObtainFailedException;
import org.apache.lucene.store.NIOFSDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;

/** Lucene on the provider. */
class LuceneTest {
  private static final int DOCUMENTS = 3000;

  @Test
  void lucenesOwnDirectorySuitePasses() {
    Result result = JUnitCore.runClasses(LuceneDirectorySuite.class);
    System.out.printf(
        "Lucene BaseDirectoryTestCase: %d run, %d assumptions, %d failed%n",
        result.getRunCount(), result.getAssumptionFailureCount(), result.getFailureCount());
    assertThat(result.getFailures()).isEmpty();
    assertThat(result.getRunCount()).isGreaterThan(50);
  }

  @Test
  void anIndexIsBuiltReopenedSearchedAndFoundSound(@TempDir Path host) throws Exception {
    Path file = host.resolve("index.img");
    try (FileSystem fs = LcpfsFileSystems.openOrCreate(file, Map.of("size", "256M"))) {
      build(fs.getPath("/index"));
    }
    try (FileSystem fs = LcpfsFileSystems.open(file, Map.of())) {
      Path index = fs.getPath("/index");
      search(index);
      try (Directory directory = new NIOFSDirectory(index);
          CheckIndex check = new CheckIndex(directory)) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        check.setInfoStream(new PrintStream(said, false, StandardCharsets.UTF_8));
        check.setLevel(CheckIndex.Level.MIN_LEVEL_FOR_SLOW_CHECKS);
        CheckIndex.Status status = check.checkIndex();
        assertThat(status.clean).as(said.toString(StandardCharsets.UTF_8)).isTrue();
      }
    }
  }

  private static void build(Path index) throws IOException {
    Files.createDirectories(index);
    try (Directory directory = new NIOFSDirectory(index)) {
      try (IndexWriter writer = new IndexWriter(directory, config())) {
        for (int i = 0; i < DOCUMENTS; i++) {
          Document document = new Document();
          document.add(new StringField("id", "d" + i, Field.Store.YES));
          document.add(
              new TextField("text", "all mod" + i % 7 + " word" + i % 100, Field.Store.YES));
          writer.addDocument(document);
          if (i % 500 == 499) {
            writer.commit();
          }
        }
        assertThat(catchThrowable(() -> new IndexWriter(directory, config())))
            .isInstanceOf(LockObtainFailedException.class);
        writer.deleteDocuments(new Term("id", "d0"));
        writer.forceMerge(1);
      }
    }
  }

  private static IndexWriterConfig config() {
    return new IndexWriterConfig(new StandardAnalyzer());
  }

  private static void search(Path index) throws IOException {
    try (Directory directory = new NIOFSDirectory(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      assertThat(searcher.count(new TermQuery(new Term("text", "all")))).isEqualTo(DOCUMENTS - 1);
      assertThat(searcher.count(new TermQuery(new Term("text", "word42")))).isEqualTo(30);
      var hits = searcher.search(new TermQuery(new Term("id", "d1234")), 1);
      assertThat(reader.storedFields().document(hits.scoreDocs[0].doc).get("text"))
          .isEqualTo("all mod2 word34");
    }
  }
}
