/** Names in the generated source, made of those in the document. */

export const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)
const small = (word: string) => word.charAt(0).toLowerCase() + word.slice(1)

/** `API keys` → [`api`, `keys`]; `listApiKeys` → [`list`, `api`, `keys`]. */
const wordsOf = (text: string) =>
  text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(word => word !== '')

const toCamel = (words: readonly string[]) => small(words.map(capital).join(''))

/** The member of the client for a tag: `API keys` → `apiKeys`. */
export const resourceOf = (tag: string) => toCamel(wordsOf(tag))
/** The file of a tag: `API keys` → `api-keys.ts`. */
export const fileOf = (tag: string) => `${wordsOf(tag).join('-')}.ts`
/** The class of a tag: `API keys` → `ApiKeysResource`. */
export const classOf = (tag: string) => `${capital(resourceOf(tag))}Resource`

export const singular = (word: string) => word.replace(/ies$/, 'y').replace(/([^s])s$/, '$1')

/** The method for an operation: its id without the noun that the resource says already. `listEndpoints` → `list`. */
export function methodOf(operationId: string, tag: string): string {
  const noun = wordsOf(tag)
  const one = [...noun.slice(0, -1), singular(noun.at(-1)!)]
  const words = wordsOf(operationId)
  for (const each of [noun, one]) {
    // The first word is the verb.
    const at = words.findIndex(
      (_word, index) => index > 0 && each.every((word, offset) => words[index + offset] === word),
    )
    if (at > 0) return toCamel(words.toSpliced(at, each.length))
  }
  return toCamel(words)
}

/** A member's name, in quotes if it needs them. */
export const memberOf = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`)
