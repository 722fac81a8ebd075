/** Words in another language than English, or for others than operators, by section and name. */
export type Dictionary = Readonly<Record<string, unknown>>

let dictionary: Dictionary = {}

/** Has to be called before a section is loaded, because pages take their words when they are loaded. */
export function setDictionary(next: Dictionary): void {
  dictionary = next
}

/** A section with the words of the dictionary in place of the English ones that it has. */
export function translated<Words extends object>(section: string, english: Words): Words {
  return (section in dictionary ? merge(english, dictionary[section]) : english) as Words
}

function merge(english: unknown, other: unknown): unknown {
  if (other === undefined) return english
  if (!isRecord(english) || !isRecord(other)) return other
  return Object.fromEntries(Object.entries(english).map(([name, value]) => [name, merge(value, other[name])]))
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a dictionary can have of a section. What it lacks stays English. */
export type PartialTranslation<Words> = Words extends string
  ? string
  : Words extends (...args: infer Args) => infer Result
    ? (...args: Args) => PartialTranslation<Result>
    : { readonly [Name in keyof Words]?: PartialTranslation<Words[Name]> }
