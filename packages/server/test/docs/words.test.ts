import { globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { PAGES, ROOT, readPage } from './pages.ts'

/** The phrases of several words in the style guide's table of habits. cspell refuses the single words. */
function phrases(): string[] {
  const table = readPage('docs/style.md').split('| not | but |\n| --- | --- |\n')[1]!.split('\n\n')[0]!
  return [...table.matchAll(/^\| ([^|]+) \|/gm)].map(match => match[1]!).filter(phrase => phrase.includes(' '))
}

it('no text has a phrase that the style guide refuses', () => {
  const sources = [
    '{packages,bench,chaos,drill,examples,scripts}/**/*.{ts,mjs}',
    'deploy/**/*.{yml,json}',
    '.github/**/*.yml',
    '.ci/*',
  ].flatMap(pattern => globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] }))
  const refused = new RegExp(`\\b(?:${phrases().join('|').replaceAll(' ', '[\\s*/]+')})\\b`, 'gi')
  const found = [...PAGES, ...sources]
    .filter(path => path !== 'docs/style.md')
    .flatMap(path => {
      const text = readFileSync(`${ROOT}${path}`, 'utf8')
      return [...text.matchAll(refused)].map(match => `${path}: ${match[0].replace(/[\s*/]+/g, ' ')}`)
    })
  expect(phrases().length).toBeGreaterThan(4)
  expect(found).toEqual([])
})
