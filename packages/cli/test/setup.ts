/** Runs commands in this process as a person or a script does, on a terminal of which all is seen. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { Posthorn } from '@posthorn/client'
import { startNode } from '@posthorn/testkit'
import { runCommandLine } from '../../server/src/commands/command-line.ts'
import type { Effects } from '../../server/src/commands/effects.ts'
import { addFurtherCommands } from '../../server/src/commands/remote-commands.ts'
import type { Clock, Environment, Signal, Terminal } from '../src/terminal/index.ts'

export type RanCommand = {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The documents on standard output. Throws if a line is none. */
  readonly documents: () => unknown[]
}

export type RunOptions = {
  readonly env?: Environment
  /** The width of the terminal that standard output is. Default: it is none. */
  readonly columns?: number
  /** Standard input. Default: it is empty. */
  readonly input?: string | Uint8Array | Readable
  readonly clock?: Clock
  /** Called with what was written so far, and with what presses Ctrl-C. */
  readonly onOutput?: (stdout: string, interrupt: () => void) => void
  /** Called with what presses Ctrl-C as soon as the command doesn't just end then. */
  readonly onInterruptible?: (interrupt: () => void) => void
}

const REAL_CLOCK: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fire) {
    const handle = setTimeout(fire, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
}

/**
 * A terminal that keeps what is written to it.
 *
 * @param env should have an XDG_CONFIG_HOME, lest the profiles of the person who runs the tests be used
 */
export function keepingTerminal({ env = {}, columns, input = '', clock = REAL_CLOCK, ...options }: RunOptions = {}) {
  const seen = { stdout: '', stderr: '', codes: [] as number[] }
  const handlers = new Set<(signal: Signal) => void>()
  const interrupt = () => {
    for (const handle of handlers) handle('SIGINT')
  }
  const keep = (name: 'stdout' | 'stderr') =>
    new Writable({
      decodeStrings: false,
      write(piece: string | Buffer, _encoding, done) {
        seen[name] += piece.toString()
        if (name === 'stdout') options.onOutput?.(seen.stdout, interrupt)
        done()
      },
    })
  const isTty = columns !== undefined
  const terminal: Terminal = {
    stdin: input instanceof Readable ? input : new PassThrough().end(input),
    stdout: Object.assign(keep('stdout'), { isTTY: isTty, columns: columns ?? 0 }),
    stderr: Object.assign(keep('stderr'), { isTTY: isTty, columns: columns ?? 0 }),
    env,
    clock,
    isTty,
    columns: columns ?? null,
    onInterrupt(handle) {
      handlers.add(handle)
      options.onInterruptible?.(interrupt)
      return () => void handlers.delete(handle)
    },
    onOutputEnd: () => () => {},
    ignoreInterrupts: () => () => {},
    openPager: () => null,
    exit: async code => void seen.codes.push(code),
  }
  return { terminal, seen, interrupt }
}

/** Runs `posthorn` with arguments until it ends. */
export function runPosthorn(args: readonly string[], options: RunOptions = {}): Promise<RanCommand> {
  return runPosthornOn(keepingTerminal(options), args)
}

export async function runPosthornOn(
  { terminal, seen }: Pick<ReturnType<typeof keepingTerminal>, 'terminal' | 'seen'>,
  args: readonly string[],
): Promise<RanCommand> {
  const { stdout, stderr, env, clock } = terminal
  const effects = {
    args,
    env,
    stdout,
    stderr,
    clock,
    exit: (code: number) => void seen.codes.push(code),
    addRemoteCommands: async root => addFurtherCommands(root, terminal),
  } satisfies Partial<Effects>
  await runCommandLine(effects as unknown as Effects)
  const { codes } = seen
  if (codes.length !== 1) throw new Error(`posthorn ${args.join(' ')} ended ${codes.length} times.\n${seen.stderr}`)
  const documents = () =>
    seen.stdout
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  return { code: codes[0]!, stdout: seen.stdout, stderr: seen.stderr, documents }
}

export const KEY = 'a-root-key-of-the-tests-of-commands'
export const CLIENT_SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='

export type TestServer = {
  readonly url: string
  /** A client with the root key. */
  readonly posthorn: Posthorn
  /** The environment of a command that uses it: POSTHORN_URL, POSTHORN_API_KEY, and no profiles. */
  readonly env: Environment
  /** A folder of the test's own. */
  readonly folder: string
  readonly end: () => Promise<unknown>
}

/** Starts `posthorn serve` in a process of its own. */
export async function startServer(flags: readonly string[] = []): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-cli-'))
  const encryptionKey = randomBytes(32).toString('base64')
  const node = await startNode({
    apiKey: KEY,
    encryptionKey,
    flags: ['--data', join(folder, 'data'), ...flags],
    folder,
  })
  const own = { XDG_CONFIG_HOME: join(folder, 'config'), XDG_STATE_HOME: join(folder, 'state') }
  const env = { ...own, POSTHORN_URL: node.url, POSTHORN_API_KEY: KEY }
  const posthorn = new Posthorn({ url: node.url, apiKey: KEY })
  return { url: node.url, posthorn, env, folder, end: () => node.end() }
}
