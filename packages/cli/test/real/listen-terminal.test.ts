/** `posthorn listen` as a process: on a real terminal, into a pipe that ends, and at signals. */
import { spawn } from 'node:child_process'
import { startReceiver } from '@posthorn/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup.ts'
import { HAS_TERMINALS, installPosthorn, onTerminal } from './process.ts'

const bin = installPosthorn()
let server: TestServer
let env: Record<string, string>
beforeAll(async () => {
  server = await startServer()
  const own = Object.entries(server.env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  env = { ...Object.fromEntries(own), POSTHORN_TENANT: 'acme', PATH: `${bin.folder}:${process.env.PATH}` }
})
afterAll(async () => {
  await server.end()
  bin.remove()
})
beforeEach(() => server.posthorn.tenants.put('acme'))
afterEach(() => server.posthorn.tenants.delete('acme'))

const TIMEOUT = { timeout: 40_000 }
const PATIENCE = { timeout: 20_000 }
const payload = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }
const publish = () => server.posthorn.events.publish('acme', { type: 'COVER_REFERENCE', payload })
const kinds = async () => (await server.posthorn.endpoints.list('acme')).data.map(({ kind }) => kind)

/** Runs a command line of sh without a terminal. */
function onPipe(line: string) {
  const child = spawn('sh', ['-c', line], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', piece => {
      text += piece
    })
  }
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  return { text: () => text, ended, kill: (signal: NodeJS.Signals) => void child.kill(signal) }
}

describe.runIf(HAS_TERMINALS)('posthorn listen on a real terminal', () => {
  it('takes keys one by one, and leaves the terminal as it was', TIMEOUT, async () => {
    const terminal = onTerminal('posthorn listen --print; echo "ended $?"; stty -a', { env, columns: 40 })
    await expect.poll(terminal.shown, PATIENCE).toContain('q quit')
    await publish()
    await expect.poll(terminal.shown, PATIENCE).toMatch(/#1 .* COVER_REFERENCE/)
    terminal.type('r')
    await expect.poll(terminal.shown, PATIENCE).toMatch(/#2 .* COVER_REFERENCE/)
    terminal.type('q')
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).toContain('ended 0')
    expect(terminal.shown()).toMatch(/[ ;]icanon .*[ \n]echo /s)
    expect(await kinds()).toEqual([])
  })

  it('deletes the listener at Ctrl-C', TIMEOUT, async () => {
    const terminal = onTerminal('posthorn listen; echo "ended $?"', { env })
    await expect.poll(terminal.shown, PATIENCE).toContain('q quit')
    terminal.type('\u0003')
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).toContain('ended 0')
    expect(await kinds()).toEqual([])
  })

  it('waits for what is in flight, unless Ctrl-C comes again', TIMEOUT, async () => {
    const receiver = await startReceiver({ http: true, script: () => 'hang' })
    const terminal = onTerminal(`posthorn listen --forward ${receiver.port}; echo "ended $?"`, { env })
    await expect.poll(terminal.shown, PATIENCE).toContain('q quit')
    await publish()
    await receiver.waitFor(() => receiver.total === 1)
    terminal.type('\u0003')
    await expect.poll(terminal.shown, PATIENCE).toContain('Waiting for 1 request in flight.')
    terminal.type('\u0003')
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).toContain('ended 130')
    expect(await kinds()).toEqual(['listener'])
    await receiver.close()
  })

  it('reads no keys in the background, where that would stop it', TIMEOUT, async () => {
    const line = `sh -mc 'posthorn listen --name a & sleep 0; wait $!; echo "ended $?"'`
    const terminal = onTerminal(line, { env })
    await expect.poll(terminal.shown, PATIENCE).toContain('They stay the same on this machine.')
    await publish()
    await expect.poll(terminal.shown, PATIENCE).toMatch(/#1 .* COVER_REFERENCE/)
    expect(terminal.shown()).not.toContain('Keys:')
  })
})

describe('posthorn listen without a terminal', () => {
  it('ends with its reader, without a word, and deletes the listener', TIMEOUT, async () => {
    const running = onPipe('{ posthorn listen --json; echo "ended $?" >&2; } | head -2')
    await expect.poll(running.text, PATIENCE).toContain('"open":true')
    const publishing = setInterval(() => void publish().catch(() => {}), 200)
    await running.ended
    clearInterval(publishing)
    expect(running.text().trim().split('\n').slice(2)).toEqual(['ended 0'])
    expect(await kinds()).toEqual([])
  })

  it.each(['SIGTERM', 'SIGHUP'] as const)(
    'keeps the listener at %s: a shutdown is not the last word',
    TIMEOUT,
    async signal => {
      const running = onPipe('exec posthorn listen')
      await expect.poll(running.text, PATIENCE).toContain('They stay the same on this machine.')
      running.kill(signal)
      expect(await running.ended).toBe(0)
      expect(running.text()).toContain('The listener is kept for a day.')
      expect(await kinds()).toEqual(['listener'])
    },
  )
})
