/** Runs an example receiver as its README says, with secrets, and shows what it has received. */
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificate, findFreePort, spawnTethered, type Tethered } from '@posthorn/testkit'
import { send } from './requests.ts'

export type Example = {
  /** What the tests call it. */
  readonly name: string
  /** The folder that it runs in. */
  readonly folder: string
  /** Program and arguments. */
  readonly command: (port: number) => readonly [program: string, ...args: string[]]
  /** The names of the variables with the files of certificate and key. Default: a proxy ends TLS for it. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /**
   * The folder in its own, in which it keeps events as `<id>.json`; it then runs in a copy of its folder. Default: it
   * keeps ids in memory, and prints the payload after the id.
   */
  readonly keepsIn?: string
  /** Whether it takes requests at every path, and keeps what is signed even if it isn't JSON. Default: false. */
  readonly takesAll?: boolean
  /** The signal that ends it. Default: SIGTERM. */
  readonly signal?: NodeJS.Signals
}

/** Each list is what the receiver is set up with: the new secret first, and the one that it replaces. */
export type Secrets = { readonly client: readonly string[]; readonly signing: readonly string[] }

const START_TIMEOUT_MS = 60_000
const POLL_MS = 50
const LAST_LINES = 30

export class RunningExample {
  readonly url: string
  readonly #child: Tethered
  readonly #kept: string | undefined
  readonly #lines: string[] = []

  /** `kept`: the folder with what it keeps, if it keeps anything in files. */
  private constructor(url: string, child: Tethered, kept: string | undefined) {
    this.url = url
    this.#child = child
    this.#kept = kept
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      // Not with `readline`, for which U+2028 ends a line too.
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop()!
        this.#lines.push(...lines)
      })
    }
  }

  /** Resolves once it responds. Rejects with what it printed if it ends before that, or takes longer than a minute. */
  static async start(example: Example, secrets: Secrets, certificate: Certificate): Promise<RunningExample> {
    const port = await findFreePort()
    const own = mkdtempSync(join(tmpdir(), 'posthorn-example-'))
    const folder = example.keepsIn === undefined ? example.folder : join(own, 'copy')
    if (folder !== example.folder) cpSync(example.folder, folder, { recursive: true })
    const [program, ...args] = example.command(port)
    const child = spawnTethered(program, args, {
      signal: example.signal ?? 'SIGTERM',
      folder: own,
      cwd: folder,
      env: {
        ...process.env,
        PORT: String(port),
        CLIENT_SECRET: secrets.client.join(','),
        SIGNING_SECRET: secrets.signing.join(','),
        ...certificateIn(own, certificate, example.tls),
      },
    })
    const url = `http${example.tls === undefined ? '' : 's'}://127.0.0.1:${port}/webhooks`
    const running = new RunningExample(url, child, example.keepsIn && join(folder, example.keepsIn))
    await running.#responding()
    return running
  }

  async #responding(): Promise<void> {
    let exitCode: number | undefined
    void this.#child.exited.then(
      code => (exitCode = code),
      () => (exitCode = 1),
    )
    const until = Date.now() + START_TIMEOUT_MS
    while ((await send(this.url, { method: 'GET' }).catch(() => undefined)) === undefined) {
      if (exitCode !== undefined) throw new Error(`It ended with code ${exitCode}.\n${this.printed}`)
      if (Date.now() > until) {
        await this.stop()
        throw new Error(`It did not respond within ${START_TIMEOUT_MS} ms.\n${this.printed}`)
      }
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  }

  /** The last lines that it printed. */
  get printed(): string {
    return this.#lines
      .slice(-LAST_LINES)
      .map(line => line.slice(0, 500))
      .join('\n')
  }

  /** How often it has processed an event: each time, it prints the id and something of the payload. */
  timesProcessed(id: string): number {
    return this.#lines.filter(line => shown(line)?.id === id).length
  }

  /** The payload that it has for an event. Undefined if it has none. */
  async payloadOf(id: string): Promise<unknown> {
    if (this.#kept !== undefined) {
      const text = await readFile(join(this.#kept, `${id}.json`), 'utf8').catch(() => undefined)
      return text === undefined ? undefined : JSON.parse(text)
    }
    const line = this.#lines.map(shown).find(one => one?.id === id)
    return line === undefined ? undefined : JSON.parse(line.rest)
  }

  async stop(): Promise<void> {
    await this.#child.end()
  }
}

/** A logger can put the time and more before it. */
function shown(line: string): { readonly id: string; readonly rest: string } | undefined {
  const [, id, rest] = /(?:^|\s)(evt_[0-9a-z]+) (.+)$/s.exec(line) ?? []
  return id === undefined || rest === undefined ? undefined : { id, rest }
}

function certificateIn(folder: string, { certPem, keyPem }: Certificate, names: Example['tls']): NodeJS.ProcessEnv {
  if (names === undefined) return {}
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certificate, certPem)
  writeFileSync(key, keyPem, { mode: 0o600 })
  return { [names.certificate]: certificate, [names.key]: key }
}
