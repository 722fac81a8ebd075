package main

import "sync"

const rememberedIDs = 10_000

// inbox remembers the latest ids, in memory. In production, use your database, so that an event survives a restart and
// is known to all processes, and process what is in it:
// INSERT INTO events (id, payload) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
type inbox struct {
	mutex sync.Mutex
	known map[string]bool
	ids   []string // in a ring: the oldest is at next
	next  int
}

func newInbox() *inbox {
	return &inbox{known: make(map[string]bool), ids: make([]string, rememberedIDs)}
}

// store returns false if the event is there already: an event can arrive twice.
func (inbox *inbox) store(id string, body []byte) (bool, error) {
	inbox.mutex.Lock()
	defer inbox.mutex.Unlock()
	if inbox.known[id] {
		return false, nil
	}
	delete(inbox.known, inbox.ids[inbox.next])
	inbox.known[id] = true
	inbox.ids[inbox.next] = id
	inbox.next = (inbox.next + 1) % len(inbox.ids)
	return true, nil
}
