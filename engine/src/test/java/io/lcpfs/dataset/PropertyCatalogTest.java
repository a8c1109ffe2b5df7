package io.lcpfs.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.dataset.PropertyCatalog.Property;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.StoredProperties;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PropertyCatalogTest {
  private final Map<String, Map<String, String>> local = new HashMap<>();

  private PropertyValue effective(String property, String name) {
    return PropertyCatalog.effective(
        PropertyCatalog.dataset(property),
        name,
        path -> new StoredProperties(new TreeMap<>(local.getOrDefault(path, Map.of()))));
  }

  private static Errno refusal(String property, String value) {
    try {
      PropertyCatalog.parse(PropertyCatalog.dataset(property), value);
    } catch (PoolException e) {
      assertThat(e.getMessage()).contains(": ").contains("; ");
      return e.errno();
    }
    throw new AssertionError(property + "=" + value + " was taken");
  }

  @ParameterizedTest
  @CsvSource({
    "compression,zstd-19,zstd-19",
    "compression,LZ4,lz4",
    "recordsize,128K,131072",
    "recordsize,16M,16777216",
    "recordsize,512,512",
    "checksum,SHA256,sha256",
    "copies,3,3",
    "atime,OFF,off",
    "mountpoint,/a b,/a b",
    "mountpoint,none,none",
    "sync,disabled,disabled",
    "my:note,Any Text,Any Text"
  })
  void everyAllowedValueHasOneExactForm(String property, String value, String exact) {
    Property row = PropertyCatalog.dataset(property);
    assertThat(PropertyCatalog.parse(row, value)).isEqualTo(exact);
    assertThat(PropertyCatalog.parse(row, exact)).isEqualTo(exact);
  }

  @ParameterizedTest
  @CsvSource({
    "compression,zstd-20",
    "compression,gzip",
    "recordsize,100K",
    "recordsize,256",
    "recordsize,32M",
    "recordsize,x",
    "copies,4",
    "atime,yes",
    "mountpoint,relative",
    "checksum,md5"
  })
  void everyOtherValueIsRefusedWithWhatIsAllowed(String property, String value) {
    assertThat(refusal(property, value)).isEqualTo(Errno.EINVAL);
  }

  @Test
  void computedPropertiesCannotBeSet() {
    assertThat(refusal("used", "5")).isEqualTo(Errno.EPERM);
    assertThat(refusal("guid", "5")).isEqualTo(Errno.EPERM);
  }

  @Test
  void unknownPropertiesAreRefusedWithAHint() {
    assertThatThrownBy(() -> PropertyCatalog.dataset("compress"))
        .hasMessageContaining("did you mean compression?");
    assertThatThrownBy(() -> PropertyCatalog.dataset("colour")).hasMessageContaining("module:name");
    assertThatThrownBy(() -> PropertyCatalog.pool("sise")).isInstanceOf(PoolException.class);
  }

  @Test
  void valuesComeFromTheNearestAncestorThatHasOne() {
    assertThat(effective("compression", "tank/a/b"))
        .isEqualTo(new PropertyValue("lz4", PropertySource.DEFAULT, ""));
    local.put("", Map.of("compression", "zstd"));
    assertThat(effective("compression", "tank/a/b"))
        .isEqualTo(new PropertyValue("zstd", PropertySource.INHERITED, "tank"));
    local.put("a", Map.of("compression", "off"));
    assertThat(effective("compression", "tank/a/b").sourceText())
        .isEqualTo("inherited from tank/a");
    local.put("a/b", Map.of("compression", "lzma-2"));
    assertThat(effective("compression", "tank/a/b").source()).isEqualTo(PropertySource.LOCAL);
  }

  @Test
  void whatIsNotInheritedStaysWithItsDataset() {
    local.put("", Map.of("canmount", "off"));
    assertThat(effective("canmount", "tank").value()).isEqualTo("off");
    assertThat(effective("canmount", "tank/a").value()).isEqualTo("on");
  }

  @Test
  void mountPointsGrowByTheWayFromTheAncestor() {
    assertThat(effective("mountpoint", "tank/a").value()).isEqualTo("/tank/a");
    local.put("", Map.of("mountpoint", "/srv"));
    assertThat(effective("mountpoint", "tank/a/b").value()).isEqualTo("/srv/a/b");
    local.put("a", Map.of("mountpoint", "/"));
    assertThat(effective("mountpoint", "tank/a/b").value()).isEqualTo("/b");
    local.put("a", Map.of("mountpoint", "none"));
    assertThat(effective("mountpoint", "tank/a/b").value()).isEqualTo("none");
  }

  @Test
  void everyDefaultIsAnAllowedValueAndGivesTheDefaultPolicy() {
    for (Property row : PropertyCatalog.datasetProperties()) {
      if (row.settable() && !row.name().equals("mountpoint")) {
        assertThat(PropertyCatalog.parse(row, row.defaultValue())).isEqualTo(row.defaultValue());
      }
    }
    assertThat(PropertyCatalog.policy(name -> effective(name, "tank").value()))
        .isEqualTo(DatasetPolicy.DEFAULT);
  }

  @Test
  void policiesFollowTheProperties() {
    local.put(
        "",
        Map.of(
            "compression",
            "zstd-7",
            "checksum",
            "fletcher4",
            "recordsize",
            "4096",
            "copies",
            "2",
            "readonly",
            "on"));
    DatasetPolicy policy = PropertyCatalog.policy(name -> effective(name, "tank/a").value());
    assertThat(policy.compression().type()).isEqualTo(CompressionType.ZSTD);
    assertThat(policy.compression().level()).isEqualTo(7);
    assertThat(policy.checksum()).isEqualTo(ChecksumType.FLETCHER4);
    assertThat(policy.recordBytes()).isEqualTo(4096);
    assertThat(policy.copies()).isEqualTo(2);
    assertThat(policy.readOnly()).isTrue();
  }

  @Test
  void valuesPrintForPeopleAndExactly() {
    Property recordsize = PropertyCatalog.dataset("recordsize");
    assertThat(PropertyCatalog.print(recordsize, "131072", false)).isEqualTo("128K");
    assertThat(PropertyCatalog.print(recordsize, "131072", true)).isEqualTo("131072");
    Property ratio = PropertyCatalog.dataset("compressratio");
    assertThat(PropertyCatalog.print(ratio, "205", false)).isEqualTo("2.05x");
    assertThat(PropertyCatalog.print(ratio, "205", true)).isEqualTo("2.05");
    assertThat(PropertyCatalog.print(PropertyCatalog.pool("comment"), "", false)).isEqualTo("-");
  }

  @Test
  void usersPropertiesAreBounded() {
    assertThat(PropertyCatalog.isUserProperty("a:b")).isTrue();
    assertThat(PropertyCatalog.isUserProperty("A:b")).isFalse();
    assertThat(PropertyCatalog.isUserProperty("a:" + "b".repeat(255))).isFalse();
    assertThat(refusal("a:b", "x".repeat(8193))).isEqualTo(Errno.EINVAL);
  }
}
