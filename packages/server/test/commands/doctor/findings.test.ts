import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fail, ok, warn } from '../../../src/base/findings.ts'
import { writeCommands, writeFinding } from '../../../src/commands/doctor/findings.ts'
import { closeFile, onStore, turnOn } from '../../../src/server/checks/commands.ts'

it('the commands that mend what was found are a script, each once, with comments for what needs a person', () => {
  const folder = mkdtempSync(join(tmpdir(), "posthorn's "))
  const file = join(folder, 'a\u001bb $(touch x).db')
  writeFileSync(file, '')
  try {
    const close = warn('store file', 'open', 'close it', closeFile(file))
    const text = writeCommands([ok('disk', 'fine'), close, close, fail('clock', 'slow', 'a\nrm -rf $HOME')])
    expect(text).toMatch(
      /^\nTo mend what was found:\n\n {2}chmod 600 .* {2}# store file\n {2}# clock: a\\nrm -rf \$HOME\n$/,
    )
    expect(text).not.toContain('\u001b')
    execFileSync('bash', ['-c', text.replace(/^\nTo mend.*\n/, '')])
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('nothing to mend is no line', () => {
  expect(writeCommands([ok('disk', 'fine')])).toBe('')
})

it('commands are about the store that was checked', () => {
  expect(onStore(['migrate'], { data: '/my data', databaseUrl: null })).toMatch(
    /^(npx )?posthorn migrate --data '\/my data'$/,
  )
  expect(turnOn(['fsync'])).toBe(
    "psql \"$POSTHORN_DATABASE_URL\" -c 'alter system set fsync = on' -c 'select pg_reload_conf()'",
  )
})

it('a finding shows nothing that a terminal would act on', () => {
  expect(writeFinding(warn('DNS', 'evil\u001b[2J', 'ask\u202e'))).toBe(
    `warn  ${'DNS'.padEnd(16)}evil\\u{1b}[2J\n${' '.repeat(22)}→ ask\\u{202e}\n`,
  )
})
