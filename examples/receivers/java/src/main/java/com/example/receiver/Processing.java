package com.example.receiver;

import jakarta.annotation.PreDestroy;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;

/** Does the work, after the response. */
@Component
class Processing {
  private static final Logger log = LoggerFactory.getLogger(Processing.class);

  private final ExecutorService worker = Executors.newSingleThreadExecutor();

  void start(String id, JsonNode payload) {
    worker.execute(() -> process(id, payload));
  }

  /** Ignore members and types of events that you don't know: your provider can add some. */
  private void process(String id, JsonNode payload) {
    log.info("{} {}", id, payload);
  }

  /** Finishes what has been accepted. */
  @PreDestroy
  void stop() throws InterruptedException {
    worker.shutdown();
    worker.awaitTermination(30, TimeUnit.SECONDS);
  }
}
