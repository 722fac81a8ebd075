/**
 * The undici that Posthorn itself sends with, so that the bare loop can't be of another version. Typed by hand and only
 * as far as the bench needs it, since the dependency is the server's.
 */
import { createRequire } from 'node:module'

export type DispatchOptions = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Name and value in turn. */
  readonly headers: readonly string[]
  readonly body?: Buffer
}

export type DispatchHandler = {
  onRequestStart(): void
  onResponseStart(controller: unknown, status: number): void
  onResponseData(controller: unknown, chunk: Buffer): void
  onResponseEnd(): void
  onResponseError(controller: unknown, error: Error): void
}

export type Client = {
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean
}

/** So many kept connections, one request at a time on each; more requests than that wait. */
export type Pool = {
  request(options: {
    readonly method: 'POST'
    readonly path: string
    /** Name and value in turn. */
    readonly headers: readonly string[]
    readonly body: string | Buffer
  }): Promise<{ readonly statusCode: number; readonly body: { dump(): Promise<void> } }>
}

type Undici = {
  readonly Client: new (
    origin: string,
    options: { connect?: { ca: string; minVersion: 'TLSv1.3' }; pipelining: number; allowH2: boolean },
  ) => Client
  readonly Pool: new (
    origin: string,
    options: {
      connect: { ca: string; minVersion: 'TLSv1.3' }
      connections: number
      pipelining: number
      allowH2: boolean
      headersTimeout: number
    },
  ) => Pool
}

const requireOfServer = createRequire(new URL('../packages/server/package.json', import.meta.url))
const undici = requireOfServer('undici') as Undici

export const undiciVersion = (requireOfServer('undici/package.json') as { version: string }).version

/** One kept connection, one request at a time. */
export function openClient(origin: string, ca?: string): Client {
  const connect = ca === undefined ? {} : { connect: { ca, minVersion: 'TLSv1.3' as const } }
  return new undici.Client(origin, { ...connect, pipelining: 1, allowH2: false })
}

export type PoolOptions = {
  readonly ca: string
  readonly connections: number
  /** From the request to the answer's head, milliseconds; then it fails. */
  readonly deadlineMs: number
}

export function openPool(origin: string, { ca, connections, deadlineMs }: PoolOptions): Pool {
  const connect = { ca, minVersion: 'TLSv1.3' as const }
  return new undici.Pool(origin, { connect, connections, pipelining: 1, allowH2: false, headersTimeout: deadlineMs })
}
