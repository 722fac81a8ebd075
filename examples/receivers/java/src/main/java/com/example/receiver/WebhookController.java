package com.example.receiver;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@RestController
class WebhookController {
  private static final int MAX_BYTES = 2 * 1024 * 1024;

  private final Verifier verifier;
  private final Inbox inbox;
  private final Processing processing;
  private final JsonMapper json;

  WebhookController(Verifier verifier, Inbox inbox, Processing processing, JsonMapper json) {
    this.verifier = verifier;
    this.inbox = inbox;
    this.processing = processing;
    this.json = json;
  }

  /** If this throws, Spring responds with 500: whatever isn't 2xx is sent again later. */
  @PostMapping("/webhooks")
  ResponseEntity<Void> receive(HttpServletRequest request, @RequestHeader HttpHeaders headers) throws IOException {
    if (!verifier.hasToken(headers.getFirst(HttpHeaders.AUTHORIZATION))) return status(HttpStatus.UNAUTHORIZED);
    // The bytes as they came, since the signature covers them: no @RequestBody.
    byte[] bytes = request.getInputStream().readNBytes(MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) return status(HttpStatus.CONTENT_TOO_LARGE);
    String body;
    try {
      // Strictly: new String(…) would put U+FFFD in place of what isn't UTF-8.
      body = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException wrong) {
      return status(HttpStatus.BAD_REQUEST);
    }
    if (!verifier.isSigned(body, headers.asMultiValueMap())) return status(HttpStatus.UNAUTHORIZED);
    JsonNode payload;
    try {
      payload = json.readTree(body);
    } catch (JacksonException wrong) {
      return status(HttpStatus.BAD_REQUEST);
    }
    if (payload.isMissingNode()) return status(HttpStatus.BAD_REQUEST); // an empty body
    // A test request has no event behind it.
    if ("true".equals(headers.getFirst("X-Posthorn-Test"))) return status(HttpStatus.NO_CONTENT);
    String id = headers.getFirst("webhook-id");
    // Respond first, work afterwards: the sender waits for 15 seconds only.
    if (inbox.store(id, payload)) processing.start(id, payload);
    return status(HttpStatus.NO_CONTENT);
  }

  private static ResponseEntity<Void> status(HttpStatus status) {
    return ResponseEntity.status(status).build();
  }
}
