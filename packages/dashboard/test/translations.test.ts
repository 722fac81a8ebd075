// cspell:ignore Titel Stück
import { expect, test } from 'vitest'
import { formatDay, formatNumber, formatPercent, formatRelative } from '../src/lib/format.ts'
import { languageFor, setLanguage } from '../src/lib/language.ts'
import { dictionary as german } from '../src/strings/de/dictionary.ts'
import { catalogue } from '../src/strings/en/catalogue.ts'
import { common } from '../src/strings/en/common.ts'
import { deliveries } from '../src/strings/en/deliveries.ts'
import { endpoint } from '../src/strings/en/endpoint.ts'
import { endpointChange } from '../src/strings/en/endpoint-change.ts'
import { endpoints } from '../src/strings/en/endpoints.ts'
import { attemptErrors, menders } from '../src/strings/en/errors.ts'
import { events } from '../src/strings/en/events.ts'
import { overview } from '../src/strings/en/overview.ts'
import { register } from '../src/strings/en/register.ts'
import { secrets } from '../src/strings/en/secrets.ts'
import { shell } from '../src/strings/en/shell.ts'
import { setDictionary, translated } from '../src/strings/translated.ts'

/** What only operators see, or what is the same word in both languages. */
const OPERATORS =
  /^(common\.(product|tenants|none|utc|filter)|shell\.(nav\.(tenants|operate|nodes|rejected|setAside|audit|apiKeys|sessions|portal|egress|settings|checks)|tenant|allTenants|findTenant|tenantExact|signedInWith|rootKey|signOut|signIn|building|palette\.(groups\.tenants|kinds\.(tenant|api_key|audit_entry)|pageKinds\.tenants|onlyTenant|actions\.(createType|allTenants)|views\.trouble|synonyms\.\/(tenants|operate)))|overview\.(ranks|nodes|checks|first|latency\.p|figures\.latencyNote|attention\.(unassigned|lost|lostSince|actions\.(nodes|checks)))|deliveries\.((columns|filters|facts)\.tenant|gap)|endpoints\.(columns\.tenant|moreTypes)|events\.(columns\.tenant|facts\.tenant|copyToNew|make|mend\.(deleted|rejected|test|unknown))|endpoint\.(figures\.latencyNote|charts\.(series\.\dxx|p50|p95))|register\.(tenant|filter\.start|more\.(oauthTitle|scope|audience|uid|v1|v1a)|egress\.noneOperator)|endpointChange\.(receiver\.(name|url|uid)|events\.filter|filter\.(label|placeholder)|headers\.name|oauth\.(title|scope|audience|resource)|signing\.(version|versions))|catalogue\.jsonSchema|secrets\.label|attemptErrors\.\w+\.by)(\.|$)/

/** The names of all words of a section that a translation lacks. */
function missing(english: unknown, other: unknown, path: string): string[] {
  if (OPERATORS.test(path)) return []
  if (other === undefined) return [path]
  if (typeof english !== 'object' || english === null || Array.isArray(english)) return []
  return Object.entries(english).flatMap(([name, value]) =>
    missing(value, (other as Readonly<Record<string, unknown>>)[name], `${path}.${name}`),
  )
}

test('German has every word that the portal shows', () => {
  const sections = {
    ...{ catalogue, common, deliveries, endpoint, endpointChange, endpoints, attemptErrors, menders },
    ...{ events, overview, register, secrets, shell },
  }
  expect(Object.entries(sections).flatMap(([name, words]) => missing(words, german[name], name))).toEqual([])
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
