/** The real server, as `posthorn serve` starts it, with its defaults, in a process and a folder of its own. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode } from '@posthorn/testkit'

export type Posthorn = {
  readonly url: string
  readonly apiKey: string
  readonly pid: number
  /** A call of the API; `path` from `/v1/` on. Throws unless it is answered with success within `timeoutMs` (10,000). */
  call<T>(method: string, path: string, body?: unknown, timeoutMs?: number): Promise<T>
  end(): Promise<unknown>
}

/** A PostgreSQL that several share, and the keys that they share with it. */
export type SharedStore = { readonly databaseUrl: string; readonly apiKey: string; readonly encryptionKey: string }

export type PosthornOptions = {
  readonly caPem: string
  /** Where to write processor profiles. Default: none are made. */
  readonly profileFolder?: string | undefined
  /** Default: the embedded store, in a folder of its own. */
  readonly shared?: SharedStore
  /** For an embedded store that was in use before. Default: new ones. */
  readonly keys?: ReturnType<typeof makeKeys>
  /** Flags beside those. Default: none. */
  readonly flags?: readonly string[]
  /** A folder for its data, which stays. Default: one of its own, which goes with it. */
  readonly data?: string | undefined
  /** Fills the data folder before the start. */
  readonly prepare?: (data: string) => void
}

const CALL_TIMEOUT_MS = 10_000

export const makeKeys = () => ({
  apiKey: randomBytes(24).toString('base64url'),
  encryptionKey: randomBytes(32).toString('base64'),
})

export async function startPosthorn({
  caPem,
  profileFolder,
  shared,
  keys: givenKeys,
  flags = [],
  data: givenData,
  prepare,
}: PosthornOptions): Promise<Posthorn> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'))
  const [caFile, data] = [join(folder, 'receiver-ca.pem'), givenData ?? join(folder, 'data')]
  mkdirSync(data, { recursive: true })
  writeFileSync(caFile, caPem)
  prepare?.(data)
  const keys = shared ?? givenKeys ?? makeKeys()
  const { url, pid, end } = await startNode({
    ...keys,
    flags: ['--data', data, '--extra-ca', caFile, ...flags],
    nodeFlags: profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
    folder,
  })
  return { url, apiKey: keys.apiKey, pid, call: createCall(url, keys.apiKey), end }
}

function createCall(url: string, apiKey: string): Posthorn['call'] {
  return async <T>(method: string, path: string, body?: unknown, timeoutMs = CALL_TIMEOUT_MS): Promise<T> => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} /v1/${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
}
