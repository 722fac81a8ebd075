/** Writes an export: the event types, then the part of each tenant, as the API has it, with an end of its own. */
import { ApiError, type Connection } from '@posthorn/client'
import type { ServerRun } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import type { Progress } from '../../terminal/progress.ts'
import { headOf, linesOf } from './lines.ts'
import type { Counts, OpenSection, Position } from './position.ts'
import type { Writer } from './writer.ts'

/** A page of a large tenant on a busy server can take long. */
const PIECE_TIMEOUT_MS = 120_000
const KINDS = ['tenant', 'endpoint', 'notification', 'event', 'delivery', 'attempt'] as const
/** Lines are written together, up to this size. */
const BATCH_BYTES = 256 * 1024

/** The API says it before anything of a tenant's part. */
export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.code === 'not_found'

export class Exporter {
  readonly #run: ServerRun
  readonly #writer: Writer
  readonly #progress: Progress
  readonly #signal: AbortSignal
  #batch: Buffer[] = []
  #bytes = 0

  constructor(run: ServerRun, writer: Writer, progress: Progress, signal: AbortSignal) {
    this.#run = run
    this.#writer = writer
    this.#progress = progress
    this.#signal = signal
  }

  /** @param tenant null: all of them */
  async run(tenant: string | null, position: Position | null): Promise<void> {
    const complete = position?.complete ?? new Set<string>()
    try {
      if (position === null || position.offset === 0) await this.#types()
      if (position?.open != null) await this.#section(position.open.tenant, position.open)
      let tenants = complete.size + (position?.open == null ? 0 : 1)
      for await (const id of this.#tenants(tenant)) {
        if (complete.has(id) || id === position?.open?.tenant) continue
        try {
          await this.#section(id, null)
          tenants++
        } catch (error) {
          if (tenant !== null || !isNotFound(error)) throw error
          this.#run.out.note(`The tenant ${id} was deleted in the meantime: it is left out.`)
        }
      }
      await this.#json({ kind: 'end_of_export', complete: true, allTenants: tenant === null, tenants })
    } finally {
      await this.#flush()
    }
  }

  async *#tenants(only: string | null): AsyncGenerator<string, void> {
    if (only !== null) return yield only
    const list = this.#run.posthorn.tenants.list({ limit: 1_000 }, { signal: this.#signal })
    for await (const { id } of list) yield id
  }

  async #types(): Promise<void> {
    const types = this.#run.posthorn.eventTypes.list({ limit: 1_000 }, { signal: this.#signal })
    for await (const type of types) await this.#json({ kind: 'event_type', ...type })
  }

  /** @param open what is there of it already. Null: nothing */
  async #section(tenant: string, open: OpenSection | null): Promise<void> {
    const after = open?.after ?? undefined
    const path: Parameters<Connection['pieces']>[0]['path'] = { parts: ['/v1/tenants/', '/export'], values: [tenant] }
    const call = { method: 'GET', path, query: { after } } as const
    const pieces = this.#run.connection.pieces(call, { signal: this.#signal, timeoutMs: PIECE_TIMEOUT_MS })
    const counts: Counts = { ...Object.fromEntries(KINDS.map(kind => [kind, 0])), ...open?.counts }
    const isLater = open === null ? () => false : laterThan(open.at)
    let isComplete = false
    for await (const line of linesOf(pieces)) {
      const kind = headOf(line)?.kind
      if (kind === 'end') isComplete = true
      else if (kind !== undefined && !(kind === 'export' && open !== null) && !isLater(kind, line)) {
        if (kind !== 'export') counts[kind] = (counts[kind] ?? 0) + 1
        await this.#line(line)
      }
    }
    if (!isComplete) throw new Problem(`The export of ${tenant} broke off. Try again.`, EXIT.unreachable)
    await this.#json({ kind: 'end', complete: true, counts })
  }

  async #json(value: object): Promise<void> {
    await this.#line(Buffer.from(`${JSON.stringify(value)}\n`))
  }

  async #line(line: Buffer): Promise<void> {
    this.#batch.push(line)
    this.#bytes += line.length
    this.#progress.advance()
    if (this.#bytes >= BATCH_BYTES) await this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#bytes === 0) return
    const batch = Buffer.concat(this.#batch)
    ;[this.#batch, this.#bytes] = [[], 0]
    await this.#writer.write(batch)
  }
}

/**
 * What was created after the export began isn't in the part that was written before, so it must not be in the rest: a
 * delivery's event would be missing.
 */
function laterThan(at: string): (kind: string, line: Buffer) => boolean {
  const deliveries = new Set<string>()
  return (kind, line) => {
    if (kind === 'attempt') {
      if (deliveries.size === 0) return false
      return deliveries.has((JSON.parse(line.toString('utf8')) as { delivery: string }).delivery)
    }
    if (kind !== 'event' && kind !== 'delivery') return false
    const { id, createdAt } = JSON.parse(line.toString('utf8')) as { id: string; createdAt: string }
    if (createdAt <= at) return false
    if (kind === 'delivery') deliveries.add(id)
    return true
  }
}
