/** Completion in the shells themselves. Tab is pressed on a real terminal. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup.ts'
import { HAS_TERMINALS, hasProgram, installPosthorn, MOST_MS, type OnTerminal, onTerminal } from './process.ts'

let server: TestServer
let bin: ReturnType<typeof installPosthorn>
let home: string
let env: Record<string, string>
beforeAll(async () => {
  server = await startServer()
  await server.posthorn.tenants.put('acme', { name: 'Acme: "the" first' })
  await server.posthorn.tenants.put('order:7')
  bin = installPosthorn()
  home = mkdtempSync(join(tmpdir(), 'posthorn-home-'))
  env = { ...(server.env as Record<string, string>), PATH: `${bin.folder}:${process.env.PATH}`, HOME: home }
})
afterAll(async () => {
  await server.end()
  bin.remove()
  rmSync(home, { recursive: true, force: true })
})

/**
 * Presses Tab until a text is shown. The completion asks the server, and has nothing if that takes long: a person presses
 * it again.
 */
async function tab(terminal: OnTerminal, text: string): Promise<void> {
  const press = () => {
    if (!terminal.shown().includes(text)) terminal.type('\t')
    return terminal.shown()
  }
  await expect.poll(press, { timeout: MOST_MS, interval: 5_000 }).toContain(text)
}

/** What bash has after Tab was pressed at the end of each line. */
function completeInBash(lines: readonly string[]): string[][] {
  const ask = (line: string) =>
    `COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}; _posthorn posthorn; echo "\${COMPREPLY[*]}"`
  const script = ['source <(posthorn completion bash)', ...lines.map(ask)].join('\n')
  const { stdout } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8', env })
  return stdout
    .trimEnd()
    .split('\n')
    .map(line => line.split(' ').filter(each => each !== ''))
}

describe.skipIf(!hasProgram('bash'))('in bash', () => {
  it('commands, flags, choices and tenants are completed', async () => {
    const expected = [
      ['posthorn tenants g', 'get'],
      ['posthorn tenants list --te', '--text'],
      ['posthorn keys create --scope=r', 'read'],
      ['posthorn tenants get a', 'acme'],
      // What is in front of the colon stays, as bash replaces only what is behind it.
      ['posthorn tenants get order:', '7'],
    ] as const
    await expect
      .poll(() => completeInBash(expected.map(([line]) => line)), { timeout: MOST_MS })
      .toEqual(expected.map(([, found]) => [found]))
  })

  it.skipIf(!HAS_TERMINALS)('Tab completes a tenant on the command line', async () => {
    const rc = join(home, 'bashrc')
    writeFileSync(rc, 'source <(posthorn completion bash)\nPS1="ready> "\n')
    const terminal = onTerminal(`bash --noprofile --rcfile ${rc} -i`, { env })
    await terminal.until('ready> ')
    terminal.type('posthorn tenants get ac')
    await tab(terminal, 'get acme ')
    terminal.type('\u0015exit\r')
    await terminal.ended
  })
})

describe.skipIf(!hasProgram('zsh') || !HAS_TERMINALS)('in zsh', () => {
  it('Tab completes commands and tenants', async () => {
    writeFileSync(
      join(home, '.zshrc'),
      'autoload -U compinit; compinit -u\nsource <(posthorn completion zsh)\nPS1="ready> "\n',
    )
    const terminal = onTerminal('zsh -d -i', { env: { ...env, ZDOTDIR: home } })
    await terminal.until('ready> ')
    terminal.type('posthorn tenants ge\t')
    await terminal.until('tenants get ')
    terminal.type('ord')
    await tab(terminal, 'order:7')
    terminal.type('\u0015exit\r')
    await terminal.ended
  })
})

describe.skipIf(!hasProgram('fish'))('in fish', () => {
  it('commands, flags and tenants are completed, with descriptions', async () => {
    const complete = (line: string) => {
      const script = `posthorn completion fish | source; complete -C ${JSON.stringify(line)}`
      return spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8', env }).stdout
    }
    expect(complete('posthorn tenants g')).toBe('get\tShow a tenant.\n')
    const tenants = 'acme\tAcme: "the" first\norder:7\n'
    await expect.poll(() => complete('posthorn tenants get '), { timeout: MOST_MS }).toBe(tenants)
    expect(complete('posthorn keys create --scope=r')).toBe('--scope=read\n')
  })
})
