const REMEMBERED_IDS = 10_000
const known = new Set<string>()

/**
 * Returns false if the event is there already: an event can arrive twice.
 *
 * This remembers the latest ids, in memory. In production, use your database, so that an event survives a restart and is
 * known to all processes, and process what is in it:
 * INSERT INTO events (id, payload) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
 */
export function store(id: string, _payload: unknown): boolean {
  if (known.has(id)) return false
  known.add(id)
  if (known.size > REMEMBERED_IDS) known.delete(known.values().next().value!)
  return true
}

/** Ignore members and types of events that you don't know: your provider can add some. */
export function process(id: string, payload: unknown): void {
  console.log(id, JSON.stringify(payload))
}
