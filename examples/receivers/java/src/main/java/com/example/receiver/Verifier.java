package com.example.receiver;

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.stereotype.Component;

/** Tells whether a request comes from your provider: by its bearer token, and by its signature. */
@Component
class Verifier {
  private static final Pattern BEARER = Pattern.compile("(?i)bearer +(\\S+)");

  private final List<String> clientSecrets;
  private final List<Webhook> webhooks = new ArrayList<>();

  Verifier(ReceiverProperties properties) {
    clientSecrets = properties.clientSecrets();
    for (String secret : properties.signingSecrets()) webhooks.add(new Webhook(secret));
  }

  boolean hasToken(String authorization) {
    if (authorization == null) return false;
    Matcher matcher = BEARER.matcher(authorization);
    return matcher.matches() && isOneOf(matcher.group(1), clientSecrets);
  }

  /** The library also refuses a timestamp that is more than five minutes away. */
  boolean isSigned(String body, Map<String, List<String>> headers) {
    for (Webhook webhook : webhooks) {
      try {
        webhook.verify(body, headers);
        return true;
      } catch (WebhookVerificationException wrong) {
        // Perhaps by the other secret, while one is being replaced.
      }
    }
    return false;
  }

  /** Compares digests, and all of them: the time it takes says nothing about a secret. */
  private static boolean isOneOf(String text, List<String> expected) {
    boolean isFound = false;
    for (String one : expected) isFound |= MessageDigest.isEqual(sha256(text), sha256(one));
    return isFound;
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
