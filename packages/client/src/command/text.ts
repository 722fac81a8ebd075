/** Pieces of TypeScript made of what a server sent. Whatever that is, they can't end early or become code. */

/** A string literal type. All but printable ASCII is escaped. */
export function quote(text: string): string {
  const inner = text.replace(/[^ -&(-[\]-~]/g, unit => {
    if (unit === "'" || unit === '\\') return `\\${unit}`
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `'${inner}'`
}

/** The name of a member, in quotes if it needs them. */
export const memberName = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name))

const MAX_COMMENT_CHARACTERS = 2_000
const WIDTH = 110

/** A comment for editors, with a line break at its end. Empty if there is nothing to say. */
export function comment(description: unknown, isDeprecated = false): string {
  const text = typeof description === 'string' ? clean(description) : ''
  const lines = [...(text === '' ? [] : wrap(text)), ...(isDeprecated ? ['@deprecated'] : [])]
  if (lines.length === 0) return ''
  if (lines.length === 1) return `/** ${lines[0]} */\n`
  return `/**\n${lines.map(line => ` * ${line}\n`).join('')} */\n`
}

/** One line without control characters, those that change the direction of text included. */
function clean(text: string): string {
  const line = text
    .slice(0, MAX_COMMENT_CHARACTERS)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
  // The compiler reads directives (`@ts-ignore`) and tags in comments.
  return line.replaceAll('*/', '*\\/').replace(/@(?=\w)/g, '@ ')
}

function wrap(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

export const indent = (text: string) => text.replace(/^(?=.)/gm, '  ')

/** Words in capitals: `GRADE_CHANGED` and `grade.changed` are `GradeChanged`. Only letters and digits of ASCII are left. */
export function identifier(name: string): string {
  const words = name
    .slice(0, 60)
    .split(/[^A-Za-z0-9]+/)
    .filter(word => word !== '')
  const text = words.map(
    word => word[0]!.toUpperCase() + (/[a-z]/.test(word) ? word.slice(1) : word.slice(1).toLowerCase()),
  )
  return /^[A-Za-z]/.test(text[0] ?? '') ? text.join('') : `T${text.join('')}`
}
