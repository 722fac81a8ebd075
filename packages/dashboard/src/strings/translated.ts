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

/** Some of a section's words, said otherwise. The others stay as they are. */
export type PartialTranslation<Words> = Words extends string
  ? string
  : Words extends (...args: infer Args) => infer Result
    ? (...args: Args) => PartialTranslation<Result>
    : { readonly [Name in keyof Words]?: PartialTranslation<Words[Name]> }

/** All of a section's words, but for those that `Operators` names (see `operators.ts`). */
export type Translation<Words, Operators extends string = never> = Words extends string
  ? string
  : Words extends (...args: infer Args) => infer Result
    ? (...args: Args) => Translation<Result>
    : Words extends null
      ? null
      : Words extends readonly unknown[]
        ? { readonly [At in keyof Words]: Translation<Words[At]> }
        : {
            readonly [Name in keyof Words as Name extends Operators ? never : Name]: Translation<
              Words[Name],
              Inside<Operators, Name>
            >
          }

/** What `Operators` names inside a part. */
type Inside<Operators extends string, Name extends PropertyKey> = Operators extends `${infer Part}.${infer Rest}`
  ? Part extends Name | '*'
    ? Rest
    : never
  : never
