import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Authority, createAuthority, type Receiver, startReceiver } from '@posthorn/testkit'
import { createPosthorn, type Posthorn, type PosthornOptions } from 'posthorn'
import { afterAll, afterEach, beforeAll } from 'vitest'

export const KEY = 'test-api-key-0123456789'
export const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
export const TYPE = 'COVER_REFERENCE'
export const PAYLOAD = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }

/** What each test of a file can use. Everything that a test opens is closed after it. */
export class LibraryBench {
  authority!: Authority
  folder!: string
  /** A file with the certificate of the authority. */
  ca!: string
  readonly #open: (() => unknown)[] = []
  #folders = 0

  async begin(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'posthorn-library-'))
    this.authority = await createAuthority()
    this.ca = join(this.folder, 'ca.pem')
    await writeFile(this.ca, this.authority.caPem)
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }

  async closeAll(): Promise<void> {
    for (const close of this.#open.splice(0).reverse()) await close()
  }

  later(close: () => unknown): void {
    this.#open.push(close)
  }

  /** A data folder that doesn't exist yet. */
  newFolder(): string {
    return join(this.folder, `data-${this.#folders++}`)
  }

  /** With a folder of its own, in development mode, unless the options say otherwise. */
  async start(options: PosthornOptions = {}): Promise<Posthorn> {
    const own = { data: this.newFolder(), apiKey: KEY, dev: true, extraCa: [this.ca] }
    const posthorn = await createPosthorn({ ...own, ...options })
    this.later(() => posthorn.close())
    return posthorn
  }

  async receiver(): Promise<Receiver> {
    const receiver = await startReceiver({ authority: this.authority, names: ['localhost'] })
    this.later(() => receiver.close())
    return receiver
  }
}

export function useLibrary(): LibraryBench {
  const bench = new LibraryBench()
  beforeAll(() => bench.begin())
  afterEach(() => bench.closeAll())
  afterAll(() => bench.end())
  return bench
}

/** Calls the API from within the process, with the root key. */
export function call(posthorn: Posthorn, method: string, path: string, body?: unknown): Promise<Response> {
  const headers = {
    authorization: `Bearer ${KEY}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  return posthorn.fetch(`http://posthorn${path}`, { method, headers, ...content })
}

/** Creates a tenant `acme` with an endpoint at a receiver. */
export async function subscribe(posthorn: Posthorn, receiver: Receiver): Promise<void> {
  await call(posthorn, 'PUT', '/v1/tenants/acme', {})
  const made = await call(posthorn, 'POST', '/v1/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
  if (made.status !== 201) throw new Error(await made.text())
}

// biome-ignore lint/suspicious/noExplicitAny: the content of a response is what the test is about
export const jsonOf = (response: Response): Promise<any> => response.json()
