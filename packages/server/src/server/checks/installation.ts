import type { Clock } from '../../base/clock.ts'
import type { Config } from '../../config/config.ts'
import type { Resolver } from '../../guard/lookup.ts'
import type { Store } from '../../store/store.ts'

/** The store as the checks see it: opened by doctor, or that of the process that serves it. */
export type CheckedStore = {
  readonly engine: 'sqlite' | 'postgres'
  readonly read: Store['read']
  /** The store's time, in milliseconds since 1970. */
  now(): number
  /** The settings that decide whether a commit survives a power failure, as the store itself reports them. */
  durability(): Promise<Readonly<Record<string, string>>>
  /** Reads all pages of an SQLite file. Returns `ok`, or what is wrong. */
  checkPages(): Promise<string>
  /** Stores a value in PostgreSQL. */
  tryWriting(): Promise<void>
}

/** What is checked, and how thoroughly. */
export type Installation = {
  readonly config: Config
  readonly clock: Clock
  readonly resolver: Resolver
  readonly store: CheckedStore
  /** Whether the slow checks run too, which read the whole store. */
  readonly isFull: boolean
  /** A larger SQLite file is read only if `isFull`. */
  readonly maxPagesBytes: number
}
