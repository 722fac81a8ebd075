import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { PAGES, ROOT, readPage } from './pages.ts'

/** Decisions and the changelog tell of commands as they once were. */
const GUIDES = PAGES.filter(page => !page.startsWith('docs/decisions/') && page !== 'CHANGELOG.md')

const SCRIPTS = JSON.parse(readPage('package.json')).scripts as Record<string, string>

const cli = (...args: string[]) =>
  execFileSync(process.execPath, ['packages/server/src/cli.ts', ...args], { cwd: ROOT, encoding: 'utf8' })

/** What stands in code, a line or a span at a time; lines that end in a backslash are one. */
function codeOf(text: string): string[] {
  const joined = text.replace(/\\\n\s*/g, '')
  const blocks = [...joined.matchAll(/^```(?:sh|shell|bash|console)?\n([\s\S]*?)^```/gm)].flatMap(m =>
    m[1]!.split('\n'),
  )
  const indented = [...joined.matchAll(/^ {4}(\S.*)$/gm)].map(m => m[1]!)
  const spans = [...joined.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(m => m[1]!)
  return [...blocks, ...indented, ...spans]
}

describe('the commands in the docs', () => {
  it('of npm are scripts that exist', () => {
    const unknown = GUIDES.flatMap(page =>
      codeOf(readPage(page))
        .flatMap(line => [...line.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)])
        .filter(match => SCRIPTS[match[1]!] === undefined)
        .map(match => `${page}: ${match[0]}`),
    )
    expect(unknown).toEqual([])
  })

  it('of posthorn exist with every flag, and work from a clone', () => {
    const help = new Map<string, string>()
    const helpOf = (command: string) => {
      if (!help.has(command)) help.set(command, cli(...command.split(' '), '--help'))
      return help.get(command)!
    }
    const commands = [...cli('--help').matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(match => match[1]!)
    const wrong: string[] = []
    let checked = 0
    for (const page of GUIDES) {
      for (const line of codeOf(readPage(page))) {
        const match = /(?:^|\s)(npx )?posthorn ([a-z]+)( rotate)?((?: .*)?)$/.exec(line)
        if (match === null || !commands.includes(match[2]!)) continue
        const [, npx, command, sub = '', rest = ''] = match
        checked++
        // A line of its own is there to be copied; a span in a sentence can name the command alone.
        if (npx === undefined && rest !== '')
          wrong.push(`${page}: "${line}" does not work from a clone: write npx posthorn`)
        const known = helpOf(`${command}${sub}`)
        for (const [flag] of rest.matchAll(/--[a-z-]+/g)) {
          if (!new RegExp(`${flag}\\b`).test(known)) wrong.push(`${page}: posthorn ${command}${sub} has no ${flag}`)
        }
      }
    }
    expect(checked).toBeGreaterThan(12)
    expect(wrong).toEqual([])
  })
})
