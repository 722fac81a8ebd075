import csharp from '../../../../examples/receivers/csharp/Program.cs?raw'
import php from '../../../../examples/receivers/php/public/receiver.php?raw'
import java from '../../../../examples/receivers/plain/Receiver.java?raw'
import go from '../../../../examples/receivers/plain/receiver.go?raw'
import javascript from '../../../../examples/receivers/plain/receiver.mjs?raw'
import python from '../../../../examples/receivers/plain/receiver.py?raw'
import { type OutlineNode, outlineOf } from './outline.ts'

export type LanguageId = 'javascript' | 'python' | 'go' | 'java' | 'csharp' | 'php'

export type Language = {
  readonly id: LanguageId
  readonly name: string
  readonly file: string
  /** How it is started, behind the secrets. */
  readonly run: string
  readonly code: string
}

/** A receiver in each language, complete and without packages. Those in `code` receive `COVER_REFERENCE`. */
export const LANGUAGES: readonly Language[] = [
  { id: 'javascript', name: 'JavaScript', file: 'receiver.mjs', run: 'node receiver.mjs', code: javascript },
  { id: 'python', name: 'Python', file: 'receiver.py', run: 'python3 receiver.py', code: python },
  { id: 'go', name: 'Go', file: 'receiver.go', run: 'go run receiver.go', code: go },
  { id: 'java', name: 'Java', file: 'Receiver.java', run: 'java Receiver.java', code: java },
  { id: 'csharp', name: 'C#', file: 'Program.cs', run: 'dotnet run', code: csharp },
  { id: 'php', name: 'PHP', file: 'receiver.php', run: 'php -S localhost:9000 receiver.php', code: php },
]

/** From this length on, a payload's type has a line for each member. */
const LINE = 100

const TEMPLATE_TYPE = 'COVER_REFERENCE'
const TEMPLATE_FIELD = 'CoverId'

/** The code that receives events of a type: with its name, and the first member that its payloads must have. */
export function receiverFor({ id, code }: Language, type: { readonly name: string; readonly schema: unknown }): string {
  const outline = outlineOf(type.schema)
  const field = outline.children.find(child => child.isRequired && child.label.kind === 'property')?.label
  const name = field?.kind === 'property' ? field.name : TEMPLATE_FIELD
  // In a comment, so it must not end it.
  const typeName = /^[\w.-]+$/.test(type.name) ? type.name : 'webhooks'
  const lines = code.replaceAll(TEMPLATE_TYPE, () => typeName)
  if (id === 'javascript') {
    const typed = `/** @typedef {${typescriptOf(outline)}} Payload */`
    const access = /^[A-Za-z_$][\w$]*$/.test(name) ? `payload.${name}` : `payload[${quoted(name)}]`
    const shown = typed.length <= LINE ? typed : `/**\n * @typedef {${membersOf(outline)}} Payload\n */`
    return lines
      .replace(/\/\*\* @typedef \{.*\} Payload \*\//, () => shown)
      .replace(`payload.${TEMPLATE_FIELD}`, () => access)
  }
  if (id === 'php') {
    const escaped = name.replace(/[\\']/g, '\\$&').replace(/[\r\n]/g, ' ')
    return lines.replace(`'${TEMPLATE_FIELD}'`, () => `'${escaped}'`)
  }
  if (id === 'java') {
    // In a comment, where even an escape sequence could end it.
    const isSafe = /^[\w $-]+$/.test(name)
    return lines.replace(` with the member "${TEMPLATE_FIELD}"`, () => (isSafe ? ` with the member "${name}"` : ''))
  }
  // What JSON escapes reads the same in Python, Go and C#.
  return lines.replace(`"${TEMPLATE_FIELD}"`, () => quoted(name))
}

/** A string as JSON that is also safe on one line of code: some languages end lines at more than `\n`. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ud800-\udfff]/g,
    one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The type of a payload in TypeScript, on one line. */
export function typescriptOf(node: OutlineNode): string {
  return typeOf(node, 0).replaceAll('*/', '*\\/')
}

/** As `typescriptOf`, with a line of a comment for each member. */
function membersOf(outline: OutlineNode): string {
  const text = typescriptOf(outline)
  if (!text.startsWith('{ ') || outline.variants !== null) return text
  const members = outline.children.map(child => ` *   ${typescriptOf({ ...outline, children: [child] }).slice(2, -2)}`)
  return `{\n${members.join('\n')}\n * }`
}

function typeOf(node: OutlineNode, depth: number): string {
  const { values, variants, children, types, items, repeats, isNever, isCut } = node
  if (isNever) return 'never'
  if (values !== null) return values.length === 0 ? 'never' : unionOf(values.map(({ json }) => literal(json)))
  if (repeats !== null || isCut || depth > 6) return 'unknown'
  const members = children.filter(child => child.label.kind === 'property')
  const others = children.some(child => child.label.kind === 'others')
  const object = () => {
    const parts = members.map(child => {
      const name = child.label.kind === 'property' ? child.label.name : ''
      const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
      return `${key}${child.isRequired ? '' : '?'}: ${typeOf(child, depth + 1)}`
    })
    if (others) parts.push('[name: string]: unknown')
    return parts.length === 0 ? 'Record<string, unknown>' : `{ ${parts.join('; ')} }`
  }
  const array = () => {
    const each = children.find(child => child.label.kind === 'items' && child.label.index === null)
    if (each !== undefined) return `Array<${typeOf(each, depth + 1)}>`
    if (children.some(child => child.label.kind === 'items')) return 'unknown[]'
    if (items === null) return 'unknown[]'
    return `Array<${unionOf(items.types.map(one => (one === 'object' && members.length > 0 ? object() : plain(one))))}>`
  }
  const own = types.map(one => (one === 'object' ? object() : one === 'array' ? array() : plain(one)))
  // An array's items were described in place of its own members.
  if (types.includes('array') && types.includes('object')) return 'unknown'
  const base = unionOf(own)
  if (variants === null) return base
  const either = unionOf(variants.nodes.map(one => typeOf(one, depth + 1)))
  if (base === 'unknown' || base === 'Record<string, unknown>') return either
  return either === 'unknown' ? base : `${base} & (${either})`
}

function unionOf(types: readonly string[]): string {
  const all = [...new Set(types)]
  return all.length === 0 || all.includes('unknown') ? 'unknown' : all.join(' | ')
}

function plain(type: string): string {
  if (type === 'integer') return 'number'
  if (type === 'array') return 'unknown[]'
  if (type === 'object') return 'Record<string, unknown>'
  return ['string', 'number', 'boolean', 'null'].includes(type) ? type : 'unknown'
}

function literal(json: string): string {
  const value: unknown = JSON.parse(json)
  if (typeof value === 'string') return quoted(value)
  return typeof value === 'object' && value !== null ? 'unknown' : json
}
