# frozen_string_literal: true

# Remembers the latest ids, in memory. In production, use your database, so that an event survives a restart and is known
# to all processes, and process what is in it:
# INSERT INTO events (id, payload) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
class Inbox
  REMEMBERED_IDS = 10_000

  def initialize
    @known = {}
    @mutex = Mutex.new
  end

  # False if the event is there already: an event can arrive twice.
  def store(id, _payload)
    @mutex.synchronize do
      return false if @known.key?(id)

      @known[id] = true
      @known.shift if @known.size > REMEMBERED_IDS
      true
    end
  end
end
