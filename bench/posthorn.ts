/** Starts the real server with its defaults, as `posthorn serve` does, in its own process and folder. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode } from '@posthorn/testkit'

export type Posthorn = {
  readonly url: string
  readonly apiKey: string
  readonly pid: number
  /** Calls the API; `path` is the part after `/v1/`. Throws unless it succeeds within `timeoutMs` (default 10,000). */
  call<T>(method: string, path: string, body?: unknown, timeoutMs?: number): Promise<T>
  end(): Promise<unknown>
}

/** A PostgreSQL that several nodes share, and the keys that they have in common. */
export type SharedStore = { readonly databaseUrl: string; readonly apiKey: string; readonly encryptionKey: string }

export type PosthornOptions = {
  readonly caPem: string
  /** Where to write CPU profiles. Default: none are written. */
  readonly profileFolder?: string | undefined
  /** Default: the embedded store. */
  readonly shared?: SharedStore
  /** Keys of an embedded store that was used before. Default: new keys. */
  readonly keys?: ReturnType<typeof makeKeys>
  /** Additional flags of `posthorn serve`. Default: none. */
  readonly flags?: readonly string[]
  /** Maximum size of the main thread's old generation (`--max-old-space-size`), in units of 2^20 bytes. Default: Node's. */
  readonly heapMegabytes?: number | undefined
  /** What Posthorn finds in `/etc/resolv.conf`; only for root, on Linux. Default: what the machine has. */
  readonly resolvConf?: string | undefined
  /** A data folder to keep. Default: a temporary one, removed when the server ends. */
  readonly data?: string | undefined
  /** Fills the data folder before startup. */
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
  heapMegabytes,
  resolvConf,
  data: givenData,
  prepare,
}: PosthornOptions): Promise<Posthorn> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'))
  const [caFile, data] = [join(folder, 'receiver-ca.pem'), givenData ?? join(folder, 'data')]
  mkdirSync(data, { recursive: true })
  writeFileSync(caFile, caPem)
  prepare?.(data)
  const resolvFile = resolvConf === undefined ? undefined : join(folder, 'resolv.conf')
  if (resolvFile !== undefined) writeFileSync(resolvFile, resolvConf!)
  const keys = shared ?? givenKeys ?? makeKeys()
  const { url, pid, end } = await startNode({
    ...keys,
    flags: ['--data', data, '--extra-ca', caFile, ...flags],
    nodeFlags: [
      ...(profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]),
      ...(heapMegabytes === undefined ? [] : [`--max-old-space-size=${heapMegabytes}`]),
    ],
    folder,
    resolvConf: resolvFile,
  })
  return { url, apiKey: keys.apiKey, pid, call: createCall(url, keys.apiKey), end }
}

/** Calls to a server's API. A call that is made while the server is away throws. */
export function createCall(url: string, apiKey: string): Posthorn['call'] {
  return async <T>(method: string, path: string, body?: unknown, timeoutMs = CALL_TIMEOUT_MS): Promise<T> => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} /v1/${path} returned ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
}
