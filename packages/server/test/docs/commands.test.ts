import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { allCommands } from '../../scripts/all-commands.ts'
import { PAGES, readPage } from './pages.ts'

/** Decisions and the changelog tell of commands as they once were. */
const GUIDES = PAGES.filter(page => !page.startsWith('docs/decisions/') && page !== 'CHANGELOG.md')

const SCRIPTS = JSON.parse(readPage('package.json')).scripts as Record<string, string>

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
    const program = allCommands()
    const wrong: string[] = []
    let checked = 0
    for (const page of GUIDES) {
      for (const line of codeOf(readPage(page))) {
        const match = /(?:^|[\s(])(npx )?posthorn ([a-z][a-z-]*(?: .*)?)$/.exec(line)
        if (match === null || line.startsWith('#')) continue
        const [, npx, words] = match
        const { command, name, rest } = find(program, words!.split(' '))
        if (command === program) continue
        checked++
        // A line of its own is there to be copied; a span in a sentence can name the command alone, or with its arguments.
        // A shell's own configuration is about what is installed.
        const isNamed = rest.every(word => /^[<[]/.test(word)) || command.name() === 'completion'
        if (npx === undefined && !isNamed)
          wrong.push(`${page}: "${line}" does not work from a clone: write npx posthorn`)
        const known = command.options.flatMap(({ long, short }) => [long, short]).concat('--help')
        // What follows a pipe is another program's.
        const own = rest.slice(0, rest.includes('|') ? rest.indexOf('|') : undefined)
        for (const flag of own.filter(word => /^--[a-z]/.test(word)).map(word => word.split(/[=`]/, 1)[0]!)) {
          if (!known.includes(flag)) wrong.push(`${page}: ${name} has no ${flag}`)
        }
      }
    }
    expect(checked).toBeGreaterThan(12)
    expect(wrong).toEqual([])
  })
})

/** The command that some words begin with, and what follows its name. */
function find(
  command: Command,
  words: readonly string[],
  name = 'posthorn',
): { readonly command: Command; readonly name: string; readonly rest: readonly string[] } {
  const next = command.commands.find(each => each.name() === words[0])
  return next === undefined ? { command, name, rest: words } : find(next, words.slice(1), `${name} ${words[0]}`)
}
