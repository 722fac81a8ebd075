package com.example.receiver;

import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;

/** See application.properties. */
@ConfigurationProperties("receiver")
record ReceiverProperties(List<String> clientSecrets, List<String> signingSecrets) {
  ReceiverProperties {
    if (clientSecrets == null || clientSecrets.isEmpty()) throw new IllegalArgumentException("Set CLIENT_SECRET.");
    if (signingSecrets == null || signingSecrets.isEmpty()) throw new IllegalArgumentException("Set SIGNING_SECRET.");
  }
}
