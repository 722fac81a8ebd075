/** What a person sees who runs a server, or publishes a file, on a terminal. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup.ts'
import { HAS_TERMINALS, onTerminal } from './process.ts'

// Without exec, the shell would end by Ctrl-C too, with a code of its own.
const POSTHORN = `exec '${process.execPath}' '${fileURLToPath(new URL('../../../server/src/cli.ts', import.meta.url))}'`

let folder: string
let server: TestServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-terminal-'))
  server = await startServer()
})
afterAll(async () => {
  await server.end()
  rmSync(folder, { recursive: true, force: true })
})

const seen = { timeout: 30_000 }

describe.skipIf(!HAS_TERMINALS)('on a terminal', { timeout: 60_000 }, () => {
  it('serve says where everything is and what to do, and ends at Ctrl-C', async () => {
    const data = join(folder, 'data')
    const terminal = onTerminal(`${POSTHORN} serve --data ${data} --port 0`, { columns: 40 })
    await expect.poll(terminal.shown, seen).toMatch(/ INFO +listening/)
    const text = terminal.shown().replaceAll('\r', '')
    expect(text).toMatch(/^Posthorn \S+ is running\. Stop it with\nCtrl-C\.$/m)
    expect(text).toMatch(/^ {2}API {8}http:\/\/127\.0\.0\.1:\d+$/m)
    expect(text).toContain(`  Data       ${data}\n`)
    expect(text).toMatch(/^ {2}Careful {4}Receivers behind a firewall$/m)
    expect(text).toMatch(/^ {2}Next {7}posthorn login --url http:\S+ --tenant acme$/m)
    expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}INFO {3}listening\n {2}url=http:\S+ /m)
    expect(terminal.raw()).toContain('\u001b[2m')
    terminal.type('\u0003')
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).toMatch(/ INFO +stopped/)
  })

  it('serve writes no colours with NO_COLOR', async () => {
    const env = { NO_COLOR: '1' }
    const terminal = onTerminal(`${POSTHORN} serve --data ${join(folder, 'plain')} --port 0`, { env })
    await expect.poll(terminal.shown, seen).toMatch(/ INFO +listening/)
    expect(terminal.raw()).not.toContain('\u001b')
    terminal.type('\u0003')
    expect(await terminal.ended).toBe(0)
  })

  it('publish shows how far it is, and at Ctrl-C the command that continues', async () => {
    await server.posthorn.tenants.put('acme')
    const file = join(folder, 'events.ndjson')
    const payload = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }
    writeFileSync(file, `${JSON.stringify({ type: 'COVER_REFERENCE', payload })}\n`.repeat(20_000))
    const env = { ...server.env, POSTHORN_TENANT: 'acme' } as Record<string, string>
    const terminal = onTerminal(`${POSTHORN} publish --file ${file} --rate 1000 --run shown`, { columns: 60, env })
    await expect.poll(terminal.shown, seen).toMatch(/Publishing {2}[\d,]+ events {2}\d+% {2}[\d,.]+\/s {2}.+ left/)
    terminal.type('\u0003')
    expect(await terminal.ended).toBe(130)
    const lines = terminal
      .shown()
      .split('\n')
      .map(line => line.slice(line.lastIndexOf('\r', line.length - 2) + 1).trimEnd())
    expect(lines.slice(-4)).toEqual([
      expect.stringMatching(/^Lines up to [\d,]+: [\d,]+ accepted\. \d+ s\.$/),
      'Continue:',
      '  posthorn publish --resume shown',
      '',
    ])
  })
})
