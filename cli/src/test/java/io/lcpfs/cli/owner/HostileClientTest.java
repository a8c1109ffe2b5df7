package io.lcpfs.cli.owner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Pool;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CreateOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An owner on a real socket, and clients that do not keep to the protocol. */
@Timeout(60)
class HostileClientTest {
  @TempDir Path dir;
  private final RealEnv env = new RealEnv();
  private final Pool pool =
      Pool.create(List.of(new RamDevice("ram", 4096, 32 << 10)), CreateOptions.named("tank"), env);
  private final List<List<String>> ran = Collections.synchronizedList(new ArrayList<>());
  private final List<String> warnings = Collections.synchronizedList(new ArrayList<>());
  private Map<String, String> environment = Map.of();
  private @Nullable OwnerServer server;

  private int echo(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
    ran.add(arguments);
    out.print("out " + arguments);
    err.print("err");
    return 3;
  }

  @BeforeEach
  void serve() throws IOException {
    environment = Map.of("XDG_RUNTIME_DIR", dir.toString());
    server =
        OwnerServer.start(
            List.of(new OwnerServer.Served(pool, this::echo)),
            environment,
            name -> false,
            warnings::add);
  }

  @AfterEach
  void ended() {
    if (server != null) {
      server.close();
    }
    pool.close();
    env.close();
  }

  private SocketChannel raw() throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(
        UnixDomainSocketAddress.of(OwnerSocket.existing(environment, pool.guid()).getFirst()));
    return channel;
  }

  private static FrameBuilder hello() {
    return new FrameBuilder(Protocol.HELLO).put(Protocol.MAGIC).put(Protocol.VERSION);
  }

  /** Sends bytes, and answers the types of the frames that come until the other side closes. */
  private List<Byte> exchange(ByteBuffer... sent) throws IOException {
    List<Byte> types = new ArrayList<>();
    try (SocketChannel channel = raw()) {
      Connection connection = new Connection(channel);
      try {
        for (ByteBuffer bytes : sent) {
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        }
        channel.shutdownOutput();
      } catch (IOException e) {
        types.add((byte) -1); // it was closed already; what came before that is still read
      }
      try {
        Frame frame = connection.receive();
        while (frame != null) {
          types.add(frame.type());
          frame = connection.receive();
        }
      } catch (IOException e) {
        types.add((byte) -1);
      }
    }
    return types;
  }

  private void assertStillServes() {
    try (OwnerClient client = OwnerClient.connect(environment, pool.guid()).orElseThrow()) {
      assertThat(client.name()).isEqualTo("tank");
      assertThat(
              client.run(
                  List.of("pool", "list"), InputStream.nullInputStream(), discard(), discard()))
          .isEqualTo(3);
    }
  }

  private static PrintStream discard() {
    return new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8);
  }

  private static ByteBuffer words(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length);
    for (int value : values) {
      bytes.putInt(value);
    }
    return bytes.flip();
  }

  @Test
  void everyFrameThatIsNoneEndsTheConnectionWithAnError() throws IOException {
    assertThat(exchange(words(0))).containsExactly(Protocol.FAILED);
    assertThat(exchange(words(-1))).containsExactly(Protocol.FAILED);
    assertThat(exchange(words(Protocol.MOST_FRAME_BYTES + 1))).containsExactly(Protocol.FAILED);
    assertThat(exchange(words(Integer.MAX_VALUE, 1, 2, 3))).startsWith(Protocol.FAILED);
    ByteBuffer magic = new FrameBuilder(Protocol.HELLO).put(1L).put(1).build();
    assertThat(exchange(magic)).containsExactly(Protocol.FAILED);
    ByteBuffer version = new FrameBuilder(Protocol.HELLO).put(Protocol.MAGIC).put(2).build();
    assertThat(exchange(version)).containsExactly(Protocol.FAILED);
    assertThat(exchange(new FrameBuilder(Protocol.COMMAND).put(0).build()))
        .as("before the greeting")
        .containsExactly(Protocol.FAILED);
    for (FrameBuilder frame :
        List.of(
            new FrameBuilder((byte) 99),
            new FrameBuilder(Protocol.HELLO),
            new FrameBuilder(Protocol.COMMAND),
            new FrameBuilder(Protocol.COMMAND).put(-1),
            new FrameBuilder(Protocol.COMMAND).put(Integer.MAX_VALUE),
            new FrameBuilder(Protocol.COMMAND).put(1).put(1000),
            new FrameBuilder(Protocol.COMMAND).put(1).put("df").put(0),
            new FrameBuilder(Protocol.REQUEST),
            new FrameBuilder(Protocol.REQUEST).put((byte) 100),
            new FrameBuilder(Protocol.REQUEST).put((byte) -1),
            RemotePool.request(Protocol.Operation.SYNC).put(1),
            RemotePool.request(Protocol.Operation.READ).put(1).put(0L).put(-1),
            RemotePool.request(Protocol.Operation.READ).put(1).put(0L).put(2 << 20),
            RemotePool.request(Protocol.Operation.STAT).put("tank").put(-5))) {
      assertThat(exchange(hello().build(), frame.build()))
          .containsExactly(Protocol.WELCOME, Protocol.FAILED);
    }
    assertThat(ran).isEmpty();
    assertStillServes();
  }

  @Test
  void everyConnectionThatEndsWithinAFrameIsForgotten() throws IOException {
    assertThat(exchange(words(100))).isEmpty();
    assertThat(exchange(hello().build(), words(Protocol.MOST_FRAME_BYTES, 5)))
        .containsExactly(Protocol.WELCOME);
    assertThat(exchange(ByteBuffer.wrap(new byte[3]))).isEmpty();
    assertThat(exchange()).isEmpty();
    assertStillServes();
  }

  @Test
  void everyCommandThatCouldNameTheHostIsRefused() {
    for (String line :
        List.of(
            "pool create x /tmp/x",
            "pool import -d /",
            "pool destroy -f tank",
            "pool export tank",
            "pool labelclear /dev/sda",
            "cp tank:/a /etc/passwd",
            "debug tank",
            "sim",
            "bench",
            "quickstart",
            "doctor -f -d /dev/sda",
            "pool",
            "POOL list",
            "-V",
            "")) {
      try (OwnerClient client = OwnerClient.connect(environment, pool.guid()).orElseThrow()) {
        assertThatThrownBy(
                () ->
                    client.run(
                        List.of(line.split(" ", -1)),
                        InputStream.nullInputStream(),
                        discard(),
                        discard()))
            .isInstanceOfSatisfying(
                PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
        assertThat(client.run(List.of("df"), InputStream.nullInputStream(), discard(), discard()))
            .isEqualTo(3);
      }
    }
    assertThat(ran).containsOnly(List.of("df"));
  }

  @Test
  void everyRandomRequestEndsInAnAnswerOrAnError() {
    Random random = new Random(42);
    int malformed = 0;
    int refused = 0;
    int answered = 0;
    try (Requests requests = new Requests(pool.lend(name -> false))) {
      for (int round = 0; round < 20_000; round++) {
        ByteBuffer body = ByteBuffer.allocate(200);
        body.put((byte) random.nextInt(Protocol.Operation.values().length + 1));
        if (random.nextInt(3) > 0) {
          body.putInt(4).put("tank".getBytes(StandardCharsets.UTF_8));
        }
        while (random.nextInt(6) > 0 && body.remaining() > 20) {
          switch (random.nextInt(4)) {
            case 0 -> body.putLong(random.nextInt(200) - 20);
            case 1 -> body.putInt(random.nextInt(10) - 2);
            case 2 -> {
              int length = random.nextInt(5);
              body.putInt(length);
              for (int i = 0; i < length; i++) {
                body.put((byte) "ab./\0".charAt(random.nextInt(5)));
              }
            }
            default -> body.put((byte) random.nextInt(256));
          }
        }
        try {
          requests.answer(new Frame(Protocol.REQUEST, body.flip()));
          answered++;
        } catch (Frame.Malformed e) {
          malformed++;
        } catch (PoolException e) {
          refused++;
        }
      }
    }
    assertThat(malformed).isPositive();
    assertThat(refused).isPositive();
    assertThat(answered).isPositive();
  }

  @Test
  void everyRandomStreamOfBytesLeavesTheOwnerAlive() throws IOException {
    Random random = new Random(7);
    for (int round = 0; round < 200; round++) {
      byte[] noise = new byte[random.nextInt(300)];
      random.nextBytes(noise);
      if (noise.length > 2) {
        noise[0] = 0;
        noise[1] = (byte) random.nextInt(2);
      }
      List<Byte> answers = exchange(hello().build(), ByteBuffer.wrap(noise));
      assertThat(answers).startsWith(Protocol.WELCOME);
    }
    assertStillServes();
  }

  @Test
  void connectionsAreBoundedAndFreedAgain() throws Exception {
    List<SocketChannel> many = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      SocketChannel channel = raw();
      many.add(channel);
      new Connection(channel).send(hello());
      assertThat(new Connection(channel).receive()).isNotNull();
    }
    assertThatThrownBy(() -> OwnerClient.connect(environment, pool.guid()))
        .isInstanceOf(PoolException.class);
    for (SocketChannel channel : many) {
      channel.close();
    }
    while (true) {
      try (OwnerClient client = OwnerClient.connect(environment, pool.guid()).orElseThrow()) {
        assertThat(client.run(List.of("df"), InputStream.nullInputStream(), discard(), discard()))
            .isEqualTo(3);
        return;
      } catch (PoolException e) {
        Thread.sleep(5); // the owner has not seen all of them go yet
      }
    }
  }

  @Test
  void everyConnectionEndsWithTheServerAndItsSocketIsGone() {
    try (OwnerClient client = OwnerClient.connect(environment, pool.guid()).orElseThrow()) {
      if (server != null) {
        server.close();
      }
      assertThatThrownBy(
              () -> client.run(List.of("df"), InputStream.nullInputStream(), discard(), discard()))
          .isInstanceOfSatisfying(
              PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
    }
    assertThat(OwnerClient.connect(environment, pool.guid())).isEmpty();
    assertThat(warnings).isEmpty();
  }

  @Test
  void aSocketThatAKilledOwnerLeftIsNobodyAndIsReplaced() throws IOException {
    if (server != null) {
      server.close();
    }
    Path socket = OwnerSocket.toServe(environment, pool.guid());
    try (var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      listener.bind(UnixDomainSocketAddress.of(socket));
    }
    assertThat(Files.exists(socket)).isTrue();
    assertThat(OwnerClient.connect(environment, pool.guid())).isEmpty();
    serve();
    assertStillServes();
  }
}
