// cspell:ignore Titel Stück
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatDay, formatNumber, formatPercent, formatRelative } from '../src/lib/format.ts'
import { languageFor, setLanguage } from '../src/lib/language.ts'
import { dictionary as german } from '../src/strings/de/dictionary.ts'
import { OPERATORS } from '../src/strings/operators.ts'
import { setDictionary, translated } from '../src/strings/translated.ts'

const SOURCE = new URL('../src/', import.meta.url)
/** Pages that only operators have, and the marks next to the names of such pages. */
const OPERATORS_OWN = /^(pages\/(operate|tenants|sign-in)\/|pages\/events\/new|app\/marks\.tsx)/
const IMPORT = /(?:^|\n)(?:import|export) (?!type )[^'"]*?from '(\.[^']+\.tsx?)'|\bimport\('(\.[^']+)'\)/g

/** The files of English words that the portal's pages load. */
function wordsOfPortal(): string[] {
  const seen = new Set<string>()
  const visit = (url: URL): void => {
    const file = url.href.slice(SOURCE.href.length)
    if (seen.has(file) || OPERATORS_OWN.test(file)) return
    seen.add(file)
    for (const [, fixed, lazy] of readFileSync(url, 'utf8').matchAll(IMPORT)) visit(new URL((fixed ?? lazy)!, url))
  }
  visit(new URL('main.tsx', SOURCE))
  return [...seen].filter(file => file.startsWith('strings/en/') && !file.includes('portal-dictionary')).toSorted()
}

const isPart = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The names of all words of a section, but for those that only operators see. */
function namesIn(words: unknown, names: readonly string[], operators: readonly string[]): string[] {
  if (!isPart(words)) return [names.join('.')]
  return Object.entries(words).flatMap(([name, value]) => {
    if (operators.includes(name)) return []
    const inside = operators.flatMap(path => {
      const [part, ...rest] = path.split('.')
      return (part === name || part === '*') && rest.length > 0 ? [rest.join('.')] : []
    })
    return namesIn(value, [...names, name], inside)
  })
}

const operatorsOf = (section: string): readonly string[] =>
  (OPERATORS as Readonly<Record<string, readonly string[]>>)[section] ?? []

/** All words of the portal in English, by section, as the pages find them. */
async function english(): Promise<[section: string, words: unknown][]> {
  const modules = await Promise.all(wordsOfPortal().map(file => import(new URL(file, SOURCE).href)))
  return modules.flatMap(module => Object.entries(module as object)).filter(([, words]) => typeof words !== 'function')
}

test('German has every word that the portal shows, and no other', async () => {
  const sections = await english()
  expect(sections.map(([section]) => section).toSorted()).toEqual(Object.keys(german).toSorted())
  for (const [section, words] of sections) {
    const operators = operatorsOf(section)
    expect(namesIn(german[section], [section], []).toSorted()).toEqual(namesIn(words, [section], operators).toSorted())
  }
})

test('every word that is left to operators exists', async () => {
  const sections = Object.fromEntries(await english())
  for (const [section, paths] of Object.entries(OPERATORS)) {
    const all = namesIn(sections[section], [section], [])
    for (const path of paths) {
      const pattern = new RegExp(`^${section}\\.${path.replaceAll('.', '\\.').replace('*', '[^.]+')}(\\.|$)`)
      expect(all.some(name => pattern.test(name))).toBe(true)
    }
  }
})

test('a dictionary replaces the words that it has, at any depth, and leaves the others', () => {
  setDictionary({ page: { title: 'Titel', inner: { count: (n: number) => `${n} Stück` } } })
  try {
    const words = translated('page', {
      title: 'Title',
      text: 'Text',
      inner: { count: (n: number) => `${n}`, no: 'No' },
    })
    expect([words.title, words.text, words.inner.count(2), words.inner.no]).toEqual(['Titel', 'Text', '2 Stück', 'No'])
    expect(translated('other', { title: 'Title' })).toEqual({ title: 'Title' })
  } finally {
    setDictionary({})
  }
})

test('numbers, shares, days and times are written as the language does', () => {
  setLanguage('de')
  try {
    const at = new Date(2027, 3, 22, 12).getTime()
    expect([formatNumber(1_204), formatPercent(0.754), formatDay(at), formatRelative(0, 120_000)]).toEqual([
      '1.204',
      '75,4 %',
      '22. Apr. 2027',
      'vor 2 min',
    ])
  } finally {
    setLanguage('en')
  }
  expect([formatNumber(1_204), formatRelative(0, 120_000)]).toEqual(['1,204', '2 min ago'])
})

test.each([
  [['de-AT', 'en'], 'de'],
  [['fr', 'DE'], 'de'],
  [['en-US', 'de'], 'en'],
  [['fr'], 'en'],
  [[], 'en'],
])('someone who reads %j gets %s', (wanted, language) => {
  expect(languageFor(wanted)).toBe(language)
})
