/**
 * Spelling in British English, and the words that docs/style.md refuses.
 * @type {import('cspell').CSpellSettings}
 */
import { readFileSync } from 'node:fs'

/** The first column of the style guide's table of habits. cspell sees single words; docs.test.ts looks for the phrases. */
const style = readFileSync(new URL('docs/style.md', import.meta.url), 'utf8')
const habits = style.split('| not | but |\n| --- | --- |\n')[1]?.split('\n\n')[0] ?? ''
const flagWords = [...habits.matchAll(/^\| ([\w-]+) \|/gm)].map(match => match[1])
if (flagWords.length === 0) throw new Error('docs/style.md has no table that begins with "| not | but |".')

export default {
  version: '0.2',
  language: 'en-GB',
  flagWords: [...flagWords, 'web-hook', 'web-hooks'],
  dictionaryDefinitions: [{ name: 'posthorn', path: './.cspell/words.txt', addWords: true }],
  dictionaries: ['posthorn', 'typescript', 'node', 'npm', 'sql', 'softwareTerms', 'networking-terms', 'fullstack'],
  // Code, not prose: the shape of a call without a body.
  ignoreRegExpList: ['\\bNoBody\\b'],
  useGitignore: true,
  ignorePaths: [
    'package-lock.json',
    // Names of packages.
    'examples/receivers/**/package-lock.json',
    'examples/receivers/**/requirements.txt',
    'deploy/tools/go.{mod,sum}',
    '.cspell',
    'docs/style.md',
    'docs/benchmarks/*.json',
    'docs/surface.json',
    // Recorded from the API; what they quote is checked at its source.
    '**/*.examples.json',
    // German.
    'packages/dashboard/src/strings/de',
    '**/phrases/de.ts',
    '**/__snapshots__',
    '**/vectors',
    'LICENSE',
  ],
}
