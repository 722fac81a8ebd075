import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/logger.ts'
import { StartRefused } from '../../src/base/start-refused.ts'
import { type Effects, EXIT, runCommandLine } from '../../src/commands/command-line.ts'
import type { Config } from '../../src/config/config.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const SOURCES = new URL('../../src/', import.meta.url).href

test('the same memory limits apply wherever posthorn is started', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
  const bin = read('../../bin/posthorn.cjs')
  const [, flag] = /^var FLAG = '(--max-semi-space-size=\d+)'$/m.exec(bin)!
  const [, arenas] = /^var ARENAS = \{ name: 'MALLOC_ARENA_MAX', value: '(\d+)' \}$/m.exec(bin)!
  expect(JSON.parse(read('../../../../package.json')).scripts.start).toMatch(
    `MALLOC_ARENA_MAX=${arenas} exec node ${flag} `,
  )
  const testkit = read('../../../testkit/src/node.ts')
  expect(testkit).toContain(`'${flag}'`)
  expect(testkit).toContain(`MALLOC_ARENA_MAX: '${arenas}'`)
})

/** A clock that stands still until the test advances it. */
function handClock() {
  let nowMs = 0
  const timers: { atMs: number; fire: () => void }[] = []
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after(delayMs, fire) {
      const timer = { atMs: nowMs + delayMs, fire }
      timers.push(timer)
      return { cancel: () => void timers.splice(timers.indexOf(timer), 1) }
    },
  }
  const advance = (ms: number) => {
    nowMs += ms
    for (const due of timers.filter(({ atMs }) => atMs <= nowMs)) timers.splice(timers.indexOf(due), 1)[0]!.fire()
  }
  return { clock, advance }
}

/** The commands with a server that does nothing, and a record of everything that happened. */
function stage(args: string[], changes: Partial<Effects> = {}) {
  const { clock, advance } = handClock()
  const stopped = Promise.withResolvers<void>()
  const seen = { out: '', err: '', exits: [] as number[], stops: 0, builds: 0, configs: [] as Config[] }
  const stop = () => {
    seen.stops++
    return stopped.promise
  }
  const handlers: Record<string, (error?: unknown) => void> = {}
  const effects: Effects = {
    args,
    env: {},
    readFile: () => '{}',
    stdout: { write: part => (seen.out += part) },
    stderr: { write: part => (seen.err += part) },
    clock,
    migrateStore: async () => {},
    moveInstallation: async () => {},
    backUpStore: async () => {},
    endBySignal: () => {},
    restoreStore: async () => {},
    examine: async () => true,
    buildDashboard: async () => ++seen.builds > 0,
    addRemoteCommands: async () => {},
    runDemo: async () => {},
    startServer: async config => {
      seen.configs.push(config)
      return { url: 'http://127.0.0.1:1', stop }
    },
    exit: code => void seen.exits.push(code),
    onSignal: (signal, handle) => void Object.assign(handlers, { [signal]: handle }),
    onCrash: handle => void Object.assign(handlers, { crash: handle }),
    parentPid: () => 7,
    fork: () => {
      throw new Error('these tests fork no process')
    },
    forked: null,
    ...changes,
  }
  const settle = () => new Promise(resolve => setImmediate(resolve))
  return { seen, handlers, advance, stopped, settle, run: () => runCommandLine(effects) }
}

describe('the command line', () => {
  test('flags become the configuration', async () => {
    const { seen, run } = stage([
      'serve',
      '--port',
      '0',
      '--max-batch=5',
      '--dev',
      '--target-ports',
      '443',
      '--log-level=warn',
    ])
    await run()
    expect(seen.err).toBe('')
    expect(seen.configs[0]).toMatchObject({ port: 0, maxBatch: 5, dev: true, logLevel: 'warn' })
    expect(seen.exits).toEqual([])
  })

  test('all problems are reported, one line each, with exit code 2', async () => {
    const args = [
      'serve',
      '8470',
      '--port',
      '--dev',
      '--hots',
      'x',
      '-p',
      '1',
      '--api-key',
      'hush',
      '--encryption-key=hush',
    ]
    const { seen, run } = stage(args, { env: { POSTHORN_X: '1' } })
    await run()
    expect(seen.err.trim().split('\n')).toEqual([
      'posthorn: unexpected argument "8470": serve takes only flags (with npm: npm start -- --port 0).',
      'posthorn: flag --port needs a value.',
      'posthorn: unknown flag --hots: did you mean --host?',
      'posthorn: unknown flag -p: remove it, or see posthorn serve --help.',
      expect.stringContaining('flag --api-key does not exist'),
      expect.stringContaining('flag --encryption-key does not exist'),
      'posthorn: unknown environment variable POSTHORN_X: unset it.',
    ])
    expect(seen.err).not.toContain('hush')
    expect(seen.exits).toEqual([EXIT.usage])
    expect(seen.configs).toEqual([])
  })

  test('a refused startup prints one sentence and exits with 1', async () => {
    const refusal = new StartRefused('another process has the data folder: stop it, or choose another with --data.')
    const { seen, run } = stage(['serve'], { startServer: () => Promise.reject(refusal) })
    await run()
    expect([seen.err, seen.out]).toEqual([`posthorn: ${refusal.message}\n`, ''])
    expect(seen.exits).toEqual([EXIT.refused])
  })

  test('a startup that fails for another reason logs a fatal line and exits with 70', async () => {
    const { seen, run } = stage(['serve'], { startServer: () => Promise.reject(new Error('broken')) })
    await run()
    expect(JSON.parse(seen.out)).toMatchObject({ level: 'fatal', name: 'posthorn', err: { message: 'broken' } })
    expect(seen.exits).toEqual([EXIT.crash])
  })
})

describe('shutdown', () => {
  test.each(['SIGTERM', 'SIGINT'])('%s stops the server once and exits with 0 when it has drained', async signal => {
    const { seen, handlers, advance, stopped, settle, run } = stage(['serve'])
    await run()
    handlers[signal]!()
    advance(5)
    handlers.SIGINT!()
    await settle()
    expect([seen.stops, seen.exits]).toEqual([1, []])
    stopped.resolve()
    await settle()
    expect([seen.stops, seen.exits]).toEqual([1, [EXIT.ok]])
  })

  test('a second signal, too late to be an echo of the first, exits immediately', async () => {
    const { seen, handlers, advance, run } = stage(['serve'])
    await run()
    handlers.SIGTERM!()
    advance(500)
    handlers.SIGINT!()
    expect(seen.exits).toEqual([130])
    handlers.SIGTERM!()
    expect(seen.exits).toEqual([130, 143])
  })

  test('a signal during startup stops the server once it is up', async () => {
    const starting = Promise.withResolvers<{ url: string; stop(): Promise<void> }>()
    const { seen, handlers, settle, run } = stage(['serve'], { startServer: () => starting.promise })
    const running = run()
    handlers.SIGTERM!()
    starting.resolve({ url: '', stop: async () => void seen.stops++ })
    await running
    await settle()
    expect([seen.stops, seen.exits]).toEqual([1, [EXIT.ok]])
  })

  test('a shutdown that fails or never ends is a crash', async () => {
    const failing = stage(['serve'])
    await failing.run()
    failing.handlers.SIGTERM!()
    failing.stopped.reject(new Error('no'))
    await failing.settle()
    expect(failing.seen.exits).toEqual([EXIT.crash])

    const hanging = stage(['serve', '--drain-timeout-ms', '1000'])
    await hanging.run()
    hanging.handlers.SIGTERM!()
    hanging.advance(11_000)
    expect(hanging.seen.exits).toEqual([EXIT.crash])
  })

  test('an uncaught error logs a fatal line and exits with 70', async () => {
    const { seen, handlers, run } = stage(['serve'])
    await run()
    handlers.crash!(Object.assign(new TypeError('oops'), { request: { authorization: 'hush' } }))
    expect(JSON.parse(seen.out)).toMatchObject({ level: 'fatal', err: { type: 'TypeError', message: 'oops' } })
    expect(seen.out).not.toContain('hush')
    expect(seen.exits).toEqual([EXIT.crash])
  })

  test('npm start -- --dev builds the dashboard next to the server, and nothing else does', async () => {
    const npm = { npm_lifecycle_event: 'start' }
    for (const [args, env, builds] of [
      [['--dev'], npm, 1],
      [[], npm, 0],
      [['--dev'], {}, 0],
      [['--dev', '--dashboard', 'off'], npm, 0],
      [['--dev'], { npm_lifecycle_event: 'demo' }, 0],
    ] as const) {
      const { seen, run } = stage(['serve', ...args], { env })
      await run()
      expect([seen.configs.length, seen.builds], args.join(' ')).toEqual([1, builds])
    }
  })

  test('a server started by npm start stops when npm has ended; otherwise it keeps running', async () => {
    for (const [env, stops] of [[{ npm_lifecycle_event: 'start' }, 1] as const, [{}, 0] as const]) {
      let parent = 7
      const { seen, advance, settle, run } = stage(['serve'], { env, parentPid: () => parent })
      await run()
      advance(1000)
      await settle()
      expect(seen.stops).toBe(0)
      parent = 1
      advance(1000)
      await settle()
      expect(seen.stops).toBe(stops)
    }
  })
})

describe('the real process', () => {
  const environment = { PATH: process.env.PATH }
  const cli = (...args: string[]) => spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', env: environment })

  test('prints the version and help, and refuses unknown commands and flags', () => {
    expect(cli('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^posthorn \d+\.\d+\.\d+\n$/) })
    expect(cli('help')).toMatchObject({ status: 0, stdout: expect.stringContaining('serve') })
    expect(cli('serve', '--help').stdout).toMatch(/--port <port> +The port to listen on; 0 takes any/)
    expect(cli('help', 'serve').stdout).not.toMatch(/--api-key|--encryption-key/)
    expect(cli('help', 'events', 'why')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Usage: posthorn events why'),
    })
    expect(cli('help', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('serve') })
    for (const [words, sentence] of [
      [['nothing'], "unknown command 'nothing'. See posthorn --help."],
      [['events', 'wy'], "unknown command 'wy'. Did you mean why? See posthorn events --help."],
    ] as const) {
      expect(cli('help', ...words)).toMatchObject({ status: 2, stdout: '', stderr: `posthorn: ${sentence}\n` })
    }
    expect(cli('sevre')).toMatchObject({ status: 2, stderr: expect.stringContaining('serve') })
    expect(cli('serve', '--port', 'x', '--nope')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^posthorn: flag --port must .+\nposthorn: unknown flag --nope: .+\n$/),
    })
  })

  /** Starts a separate process that serves nothing, drains briefly and logs to `stdout`. */
  function serveNothing(stdout: 'pipe' | number): ChildProcess {
    const program = `
      import { systemClock } from '${SOURCES}base/clock.ts'
      import { runCommandLine } from '${SOURCES}commands/command-line.ts'
      import { createLogger } from '${SOURCES}base/logger.ts'
      runCommandLine({
        args: ['serve'], env: {}, readFile: String, stdout: process.stdout, stderr: process.stderr,
        clock: systemClock, exit: code => process.exit(code), parentPid: () => 1, forked: null,
        onSignal: (signal, handle) => process.on(signal, handle),
        onCrash: handle => process.on('uncaughtException', handle),
        startServer: async (config, io) => {
          const { logger } = createLogger({ level: 'info', ...io })
          const awake = setInterval(() => {}, 1000)
          setImmediate(() => io.stderr.write('up'))
          return { url: '', stop: async () => { clearInterval(awake); for (let n = 0; n < 3; n++) logger.info({ n }, 'bye') } }
        },
      })`
    const args = ['--input-type=module', '--eval', program]
    return spawn(process.execPath, args, { stdio: ['ignore', stdout, 'pipe'], env: environment })
  }

  test('SIGTERM drains, writes the last log lines and exits with 0', async () => {
    const child = serveNothing('pipe')
    const out = text(child.stdout!)
    const exit = once(child, 'exit')
    await once(child.stderr!, 'data')
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
    const lines = (await out)
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.map(({ n }) => n)).toEqual([0, 1, 2])
    expect(lines[0]).toMatchObject({ level: 'info', name: 'posthorn', time: expect.stringMatching(/T.+Z$/) })
  })

  test('a log that is no longer read does not keep the process from ending', async () => {
    const child = serveNothing('pipe')
    const exit = once(child, 'exit')
    await once(child.stderr!, 'data')
    child.stdout!.destroy()
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  })

  test.runIf(process.platform === 'linux')('a full disk does not keep the process from ending', async () => {
    const child = serveNothing(openSync('/dev/full', 'w'))
    const exit = once(child, 'exit')
    await once(child.stderr!, 'data')
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  })
})

test('C14: the log redacts secrets that are passed to it', () => {
  let out = ''
  const { logger } = createLogger({ level: 'info', stdout: { write: line => (out += line) } })
  logger.info({ clientSecret: 'hush', headers: { authorization: 'Bearer hush', host: 'a' } }, 'one')
  logger.info({ endpoint: { clientSecret: 'hush' }, config: { apiKey: 'hush', encryptionKey: 'hush' } }, 'two')
  logger.error({ err: Object.assign(new Error('three', { cause: new Error('four') }), { options: { token: 'hush' } }) })
  expect(out).not.toContain('hush')
  expect(out).toContain('"message":"four"')
  expect(out).toContain('"host":"a"')
})
