import type { ServerResponse } from 'node:http'

/** Calls of one party that read at the same time. The store reads for people one or two at a time anyway. */
export const AT_ONCE = 4

type Party = { running: number; readonly waiting: Waiting[] }
/** @param isGone the client has disconnected in the meantime: only the response has to be ended */
type Begin = (isGone: boolean) => void
type Waiting = { readonly response: ServerResponse; readonly begin: Begin }

/**
 * Reads, and other calls whose cost grows with the history: trials of filters, replays. One party can have only a few of
 * them in progress. Further ones wait, so that the reads of others queue up behind a few of them instead of all. How
 * many can wait is bounded by the memory that they reserve (load.ts).
 */
export class CostlyCalls {
  readonly #atOnce: () => number
  readonly #parties = new Map<string, Party>()

  /** @param atOnce calls of one party in progress. Default: 4 */
  constructor(atOnce: () => number = () => AT_ONCE) {
    this.#atOnce = atOnce
  }

  /** Begins a call when it is its turn. It counts until its response is closed. */
  take(name: string, response: ServerResponse, begin: Begin): void {
    const party = this.#parties.get(name) ?? { running: 0, waiting: [] }
    this.#parties.set(name, party)
    if (party.running < this.#atOnce()) this.#run(name, party, { response, begin })
    else party.waiting.push({ response, begin })
  }

  #run(name: string, party: Party, { response, begin }: Waiting): void {
    // If it is closed already, its end would not be noticed.
    if (!response.closed) {
      party.running++
      response.once('close', () => {
        party.running--
        this.#next(name, party)
      })
    }
    begin(response.req.socket?.destroyed === true)
  }

  #next(name: string, party: Party): void {
    while (party.running < this.#atOnce() && party.waiting.length > 0) this.#run(name, party, party.waiting.shift()!)
    if (party.running === 0) this.#parties.delete(name)
  }
}
