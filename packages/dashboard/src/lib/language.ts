/** The language in which the pages speak. It is chosen once, before anything that is shown is loaded. */
const LANGUAGES = ['en', 'de'] as const
export type Language = (typeof LANGUAGES)[number]

const LOCALES: Readonly<Record<Language, string>> = { en: 'en-GB', de: 'de-DE' }

let current: Language = 'en'

export function setLanguage(language: Language): void {
  current = language
  if (typeof document !== 'undefined') document.documentElement.lang = language
}

export const language = (): Language => current
export const locale = (): string => LOCALES[current]

/** The language of this name. Null if it isn't one of them. */
export const languageNamed = (name: string | null): Language | null => LANGUAGES.find(each => each === name) ?? null

/** The first that exists here of the languages that someone reads (BCP 47), or else English. */
export function languageFor(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = LANGUAGES.find(each => each === tag.toLowerCase().split('-')[0])
    if (found !== undefined) return found
  }
  return 'en'
}
