/** The command line as a process: pipes that close, terminals, the pager. */
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KEY, startServer, type TestServer } from '../setup.ts'
import { HAS_TERMINALS, hasProgram, installPosthorn, onTerminal } from './process.ts'

const TENANTS = 120

let server: TestServer
let bin: ReturnType<typeof installPosthorn>
let env: Record<string, string>
beforeAll(async () => {
  server = await startServer()
  const ids = Array.from({ length: TENANTS }, (_, at) => `tenant-${String(at).padStart(4, '0')}`)
  await Promise.all(
    ids.map(id => server.posthorn.tenants.put(id, { name: `A customer with a long name, number ${id}` })),
  )
  bin = installPosthorn()
  env = { ...(server.env as Record<string, string>), PATH: `${bin.folder}:${process.env.PATH}` }
})
afterAll(async () => {
  await server.end()
  bin.remove()
})

/** The output of a command line of sh, and the exit codes of its commands in `codes`. */
function shell(line: string) {
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', `${line}; echo "codes: \${PIPESTATUS[*]}"`], {
    encoding: 'utf8',
    env,
  })
  const [output, codes] = stdout.split('codes: ')
  return { output, stderr, codes: codes!.trim() }
}

describe('into a pipe', () => {
  it('that is closed after the first line, it ends quietly with code 0', () => {
    const { output, stderr, codes } = shell('posthorn tenants list --all --json | head -n 1')
    expect([JSON.parse(output!).id, stderr, codes]).toEqual(['tenant-0000', '', '0 0'])
    expect(shell('posthorn openapi | head -c 1')).toEqual({ output: '{', stderr: '', codes: '0 0' })
    expect(shell('posthorn openapi | true')).toEqual({ output: '', stderr: '', codes: '0 0' })
  })

  it('neither cuts nor colours, and says on standard error that there are more', () => {
    const { output, stderr } = shell('posthorn tenants list')
    expect(output!.split('\n')[1]).toMatch(/^tenant-0000 {2}A customer with a long name, number tenant-0000 /)
    expect([output, stderr]).toEqual([
      expect.not.stringContaining('\u001b'),
      'There are more: --all lists all of them.\n',
    ])
  })

  it.skipIf(!hasProgram('jq'))('jq reads it', () => {
    expect(shell('posthorn tenants list --all --json | jq -r .id | sort -u | wc -l').output!.trim()).toBe(
      String(TENANTS),
    )
  })

  it('ends quietly with its reader also where it needs no server', () => {
    const { stderr, codes } = shell('posthorn doctor --data "$XDG_STATE_HOME" | true')
    expect([stderr, codes]).toEqual(['', '0 0'])
  })

  it.skipIf(process.platform !== 'linux').each(['openapi', 'tenants list --json', 'doctor', 'help publish'])(
    'to a full disk, %s fails with code 1 and says why',
    command => {
      const { stderr, codes } = shell(`posthorn ${command} > /dev/full`)
      const line = 'posthorn: Standard output cannot be written: the disk is full. The output is incomplete.\n'
      expect([stderr, codes]).toEqual([line, '1'])
    },
  )
})

describe.skipIf(!HAS_TERMINALS)('on a terminal', () => {
  it('of 40 columns, every line fits', async () => {
    const terminal = onTerminal('posthorn tenants list --no-pager', { env, columns: 40 })
    expect(await terminal.ended).toBe(0)
    const lines = terminal.shown().split('\r\n')
    expect(lines.filter(line => line.length > 40)).toEqual([])
    // How much of the name is left depends on how wide the age next to it is: 9 s ago, 10 s ago.
    expect(lines).toContainEqual(expect.stringMatching(/^tenant-0000 {2}A cust.*…/))
    expect(terminal.raw()).toContain('\u001b[')
  })

  it('has no colours with NO_COLOR', async () => {
    const terminal = onTerminal('posthorn tenants list --no-pager', { env: { ...env, NO_COLOR: '1' } })
    await terminal.ended
    expect(terminal.raw()).not.toContain('\u001b')
  })

  it('shows a long list in the pager, and ends with it', async () => {
    const terminal = onTerminal('posthorn tenants list --all', {
      env: { ...env, PAGER: 'head -n 3; echo PAGED; cat > /dev/null' },
    })
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown().split('\r\n')).toHaveLength(5)
    expect(terminal.shown()).toContain('PAGED')
  })

  it.skipIf(!hasProgram('less'))('survives a pager that is left at once', async () => {
    const terminal = onTerminal('posthorn tenants list --all', { env })
    await terminal.until('tenant-0003')
    terminal.type('q')
    expect(await terminal.ended).toBe(0)
  })

  it('says what to do if the pager does not exist', async () => {
    const terminal = onTerminal('posthorn tenants list', { env: { ...env, PAGER: 'no-such-pager' } })
    await terminal.ended
    expect(terminal.shown()).toContain('The pager "no-such-pager" was not found: set PAGER, or use --no-pager.')
  })

  it('never shows a key that is typed', async () => {
    const terminal = onTerminal(`posthorn login --url ${server.url}`, { env })
    await terminal.until('API key (not shown): ')
    terminal.type(`${KEY}\r`)
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).toContain('The key is kept in')
    expect(terminal.shown()).not.toContain(KEY)
  })
})
