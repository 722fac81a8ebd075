import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { inPlace, type Place, running, serve, spawnServe } from './process.ts'

/** Runs `serve` until it has said what a person has to know, and ends it. */
async function said(place: Place, flags: readonly string[]) {
  const child = spawnServe(place, flags)
  let output = ''
  let stderr = ''
  const heard = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout!.on('data', heard)
  child.stderr!.on('data', chunk => {
    heard(chunk)
    stderr += chunk
  })
  while (!/ listening .*\n/.test(output)) await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
  child.kill('SIGTERM')
  await once(child, 'close')
  return { stderr, output }
}

describe('serve with --log-format text', { timeout: 60_000 }, () => {
  it('writes lines for people, and says at startup where everything is and what comes next', () =>
    inPlace(async place => {
      const { stderr, output } = await said(place, ['--log-format', 'text', '--dev'])
      expect(stderr).toMatch(/^Posthorn \S+ is running\. Stop it with Ctrl-C\.$/m)
      expect(stderr).toMatch(/^ {2}API {8}http:\/\/127\.0\.0\.1:\d+$/m)
      expect(stderr).toContain(`  Data       ${place.data}\n`)
      expect(stderr).toMatch(/^ {2}Careful {4}Development mode \(--dev\)/m)
      expect(stderr).not.toContain('DEVELOPMENT MODE')
      expect(output).toMatch(/^\d{4}-\S+[+-]\d\d:\d\d {2}INFO {3}listening {2}url=http:\S+ {2}pid=\d+ /m)
      expect(output).not.toMatch(/^\{/m)
    }))

  it('writes JSON into a pipe otherwise, and the same sentences as always', () =>
    inPlace(async place => {
      const server = running(await serve(place))
      server.kill('SIGTERM')
      const { stdout, stderr } = await server.ended
      for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ name: 'posthorn' })
      expect(stderr).toContain('DEVELOPMENT MODE')
      expect(stderr).not.toContain('is running')
    }))
})
