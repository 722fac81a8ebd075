// Receives COVER_REFERENCE. Java 17 or later, no libraries. TLS ends at the proxy in front of it.
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receiver {
  // While you replace a secret, set both, separated by a comma: new,old
  static final List<String> CLIENT_SECRETS = listOf("CLIENT_SECRET");
  // whsec_…, if you verify signatures
  static final List<String> SIGNING_SECRETS = listOf("SIGNING_SECRET");

  static final int MAX_BYTES = 2 * 1024 * 1024;
  static final long TOLERANCE_SECONDS = 300;
  static final Path EVENTS = Path.of("events");
  static final Pattern BEARER = Pattern.compile("(?i)bearer +(\\S+)");
  static final ExecutorService WORK = Executors.newSingleThreadExecutor();

  public static void main(String[] args) throws IOException {
    if (CLIENT_SECRETS.isEmpty()) throw new IllegalStateException("Set CLIENT_SECRET.");
    if (!SIGNING_SECRETS.stream().allMatch(one -> one.matches("whsec_[A-Za-z0-9+/]{32,}={0,2}"))) {
      throw new IllegalStateException("Copy SIGNING_SECRET whole.");
    }
    int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "9000"));
    HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
    server.setExecutor(Executors.newFixedThreadPool(16));
    server.createContext("/", exchange -> {
      int status;
      try {
        status = receive(exchange);
      } catch (Exception error) {
        error.printStackTrace();
        status = 500; // Whatever isn't 2xx is sent again later.
      }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    });
    server.start();
  }

  /** Returns the status to respond with. */
  static int receive(HttpExchange exchange) throws IOException, GeneralSecurityException {
    Headers headers = exchange.getRequestHeaders();
    if (!exchange.getRequestMethod().equals("POST")) return 405;
    if (!hasToken(headers)) return 401;
    byte[] body = exchange.getRequestBody().readNBytes(MAX_BYTES + 1);
    if (body.length > MAX_BYTES) return 413;
    if (!isSigned(headers, body)) return 401;
    // Sent by hand, to see whether it arrives: nothing is to be done.
    if (header(headers, "X-Posthorn-Test").equals("true")) {
      System.out.println("Accepted a test event.");
      return 204;
    }
    String id = header(headers, "webhook-id");
    if (!id.matches("[A-Za-z0-9_-]{1,64}")) return 400;
    // Respond first, work afterwards: the sender waits for 15 seconds only.
    if (store(id, body)) WORK.execute(() -> handle(id, new String(body, StandardCharsets.UTF_8)));
    return 204;
  }

  /** The payload is JSON with the member "CoverId": read it with the library that you use, such as Jackson. */
  static void handle(String id, String payload) {
    System.out.println(id + " " + payload);
  }

  /**
   * Stores the event under its id. Returns false if it is there already: an event can arrive twice. In production, use
   * your database: INSERT INTO events (id, payload) VALUES (?, ?) ON CONFLICT (id) DO NOTHING
   */
  static boolean store(String id, byte[] body) throws IOException {
    Files.createDirectories(EVENTS);
    Path draft = EVENTS.resolve("." + UUID.randomUUID());
    try {
      Files.write(draft, body, StandardOpenOption.CREATE_NEW, StandardOpenOption.SYNC);
      Files.createLink(EVENTS.resolve(id + ".json"), draft);
      return true;
    } catch (FileAlreadyExistsException known) {
      return false;
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  static boolean hasToken(Headers headers) throws GeneralSecurityException {
    Matcher matcher = BEARER.matcher(header(headers, "Authorization"));
    return matcher.matches() && isOneOf(matcher.group(1), CLIENT_SECRETS);
  }

  static boolean isSigned(Headers headers, byte[] body) throws GeneralSecurityException {
    if (SIGNING_SECRETS.isEmpty()) return true;
    String timestamp = header(headers, "webhook-timestamp");
    if (!timestamp.matches("[0-9]{1,12}")) return false;
    if (Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > TOLERANCE_SECONDS) return false;
    String prefix = header(headers, "webhook-id") + "." + timestamp + ".";
    List<String> expected = new ArrayList<>();
    for (String secret : SIGNING_SECRETS) {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.substring("whsec_".length())), "HmacSHA256"));
      mac.update(prefix.getBytes(StandardCharsets.UTF_8));
      expected.add("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body)));
    }
    for (String signature : header(headers, "webhook-signature").split(" ", 16)) {
      if (isOneOf(signature, expected)) return true;
    }
    return false;
  }

  /** Compares digests, and all of them: the time it takes says nothing about a secret. */
  static boolean isOneOf(String text, List<String> expected) throws GeneralSecurityException {
    boolean isFound = false;
    for (String one : expected) isFound |= MessageDigest.isEqual(sha256(text), sha256(one));
    return isFound;
  }

  static byte[] sha256(String text) throws GeneralSecurityException {
    return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
  }

  static String header(Headers headers, String name) {
    return Objects.requireNonNullElse(headers.getFirst(name), "");
  }

  static List<String> listOf(String name) {
    return Stream.of(System.getenv().getOrDefault(name, "").split(",")).filter(one -> !one.isEmpty()).toList();
  }
}
