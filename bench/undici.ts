/** undici, with which the bare loop, the publishers and the alternatives send, and types for what the bench uses. */
import { createRequire } from 'node:module'
import { Client as UndiciClient, Pool as UndiciPool } from 'undici'

export type DispatchOptions = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Alternating names and values. */
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

/** A pool of keep-alive connections with one request at a time on each; further requests wait. */
export type Pool = {
  request(options: {
    readonly method: 'POST'
    readonly path: string
    /** Alternating names and values. */
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

const undici = { Client: UndiciClient, Pool: UndiciPool } as unknown as Undici

export const undiciVersion = (createRequire(import.meta.url)('undici/package.json') as { version: string }).version

/** Opens one keep-alive connection, with one request at a time. */
export function openClient(origin: string, ca?: string): Client {
  const connect = ca === undefined ? {} : { connect: { ca, minVersion: 'TLSv1.3' as const } }
  return new undici.Client(origin, { ...connect, pipelining: 1, allowH2: false })
}

export type PoolOptions = {
  readonly ca: string
  readonly connections: number
  /** Maximum time from the request to the response headers, in milliseconds; the request fails after that. */
  readonly deadlineMs: number
}

export function openPool(origin: string, { ca, connections, deadlineMs }: PoolOptions): Pool {
  const connect = { ca, minVersion: 'TLSv1.3' as const }
  return new undici.Pool(origin, { connect, connections, pipelining: 1, allowH2: false, headersTimeout: deadlineMs })
}
