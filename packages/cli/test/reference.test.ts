import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import pkg from '../../server/package.json' with { type: 'json' }
import { allCommands } from '../../server/scripts/all-commands.ts'
import { describeSettings } from '../../server/src/config/descriptions.ts'
import { EXIT, EXIT_MEANINGS } from '../src/exit.ts'
import { entriesOf } from '../src/reference/entries.ts'
import { writeManual, writePage } from '../src/reference/index.ts'

const readPage = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

it('docs/commands.md is what write-docs makes of the commands', () => {
  const settings = describeSettings().flatMap(({ flag }) => (flag === null ? [] : [flag]))
  expect(readPage('commands.md')).toBe(writePage(allCommands(), settings))
})

it('docs/command-line.md lists all exit codes, with their meanings', () => {
  const rows = Object.entries(EXIT).map(([name, code]) => {
    const shown = name === 'signal' ? '128 + *n*' : code
    return `| ${shown} | ${EXIT_MEANINGS[name as keyof typeof EXIT]} |`
  })
  expect(readPage('command-line.md')).toContain(rows.join('\n'))
})

it('the manual has every command, and is as safe as plain text', () => {
  const manual = writeManual(allCommands(), pkg)
  for (const { name } of entriesOf(allCommands())) {
    expect(manual, name).toMatch(new RegExp(`^\\.SS "${name.replaceAll('-', '\\\\-')}[ "]`, 'm'))
  }
  // Anything else at the start of a line would be a request to roff.
  const requests = new Set([...manual.matchAll(/^[.'](\S*)/gm)].map(match => match[1]))
  expect([...requests].sort()).toEqual(['B', 'PP', 'RE', 'RI', 'RS', 'SH', 'SS', 'TH', 'TP', 'fi', 'nf'])
  expect(manual).toMatch(/^[\n -~]*$/)
})

it.skipIf(spawnSync('groff', ['--version']).error !== undefined)(
  'the manual is shown by groff without a warning',
  () => {
    const input = writeManual(allCommands(), pkg)
    const { stdout, stderr, status } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-rLL=100n', '-P-c'], {
      input,
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([0, ''])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: bold is overstruck
    const text = stdout.replace(/.\u0008/g, '')
    expect(text).toContain("posthorn tenants list --all --json | jq -r '.id'")
    expect(text).toMatch(/^ {3}posthorn keys create$/m)
  },
)
