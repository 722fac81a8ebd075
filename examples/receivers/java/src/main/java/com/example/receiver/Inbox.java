package com.example.receiver;

import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;

/**
 * Remembers the latest ids, in memory. In production, use your database, so that an event survives a restart and is
 * known to all processes, and process what is in it: INSERT INTO events (id, payload) VALUES (?, ?) ON CONFLICT (id) DO
 * NOTHING
 */
@Component
class Inbox {
  private static final int REMEMBERED_IDS = 10_000;

  private final Map<String, Boolean> known =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
          return size() > REMEMBERED_IDS;
        }
      };

  /** Returns false if the event is there already: an event can arrive twice. */
  synchronized boolean store(String id, JsonNode payload) {
    return known.putIfAbsent(id, true) == null;
  }
}
