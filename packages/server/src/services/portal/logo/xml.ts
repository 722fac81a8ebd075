/**
 * A reader of the part of XML 1.0 that images need. What it doesn't know it refuses, so that no browser can understand a
 * file differently: there are no document types, entities, processing instructions or prefixed elements.
 */
import { LogoRefused } from './refused.ts'

export type XmlElement = {
  readonly name: string
  /** By name, in order, with references resolved. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly (XmlElement | string)[]
}

/** Deeper trees have no use in a logo, and browsers draw them recursively. */
const MAX_DEPTH = 64

const DECLARATION = /^\uFEFF?(?:<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')([^?<>]*)\?>)?/
const DECLARED =
  /^(?:\s+encoding\s*=\s*(?:"utf-8"|'utf-8'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*$/i
// Each begins at `lastIndex`.
const SPACE = /[ \t\r\n]*/y
const TEXT = /[^<]+/y
const START = /<([A-Za-z_][\w.:-]*)/y
const ATTRIBUTE = /[ \t\r\n]+([A-Za-z_][\w.:-]*)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y
const START_END = /[ \t\r\n]*(\/?)>/y
const END = /<\/([A-Za-z_][\w.:-]*)[ \t\r\n]*>/y
const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));|&/g
/** Characters that XML 1.0 §2.2 doesn't have. */
const NOT_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

const CDATA = '<![CDATA['

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The root element. Throws LogoRefused. */
export function readXml(text: string): XmlElement {
  return new Reader(text).root()
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    if (NOT_XML.test(text)) throw new LogoRefused('The SVG contains control characters. Export it again.')
    this.#text = text
  }

  root(): XmlElement {
    const [whole, rest] = DECLARATION.exec(this.#text)!
    if (rest !== undefined && !DECLARED.test(rest)) {
      throw new LogoRefused('The SVG must be encoded in UTF-8, and say so if it says an encoding. Save it as UTF-8.')
    }
    this.#at = whole.length
    this.#skip()
    const root = this.#element(0)
    this.#skip()
    if (this.#at < this.#text.length) throw this.#fault()
    return root
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found !== null) this.#at += found[0].length
    return found
  }

  /** Skips spaces and comments outside of the root. */
  #skip(): void {
    do this.#match(SPACE)
    while (this.#comment())
  }

  /** Skips a comment, if there is one here. */
  #comment(): boolean {
    if (!this.#text.startsWith('<!--', this.#at)) return false
    if (this.#until('<!--', '-->').includes('--')) throw this.#fault()
    return true
  }

  /** What is between two marks, the first of which is here. */
  #until(open: string, close: string): string {
    const from = this.#at + open.length
    const end = this.#text.indexOf(close, from)
    if (end < 0) throw this.#fault()
    this.#at = end + close.length
    return this.#text.slice(from, end)
  }

  #element(depth: number): XmlElement {
    const start = this.#match(START)
    if (start === null) throw this.#fault()
    const name = start[1]!
    if (depth === MAX_DEPTH) throw new LogoRefused(`The SVG nests more than ${MAX_DEPTH} elements. Flatten its groups.`)
    const attributes = this.#attributes(name)
    const close = this.#match(START_END)
    if (close === null) throw this.#fault()
    return { name, attributes, children: close[1] === '/' ? [] : this.#children(name, depth) }
  }

  #attributes(element: string): Map<string, string> {
    const attributes = new Map<string, string>()
    for (let found = this.#match(ATTRIBUTE); found !== null; found = this.#match(ATTRIBUTE)) {
      const [, name, double, single] = found
      if (attributes.has(name!)) {
        throw new LogoRefused(
          `The SVG has an element \`${short(element)}\` with the attribute \`${short(name!)}\` twice.`,
        )
      }
      // XML 1.0 §3.3.3: white space that is not written as a reference is a space.
      attributes.set(name!, resolve((double ?? single)!.replaceAll(/\r\n|[\t\r\n]/g, ' ')))
    }
    return attributes
  }

  #children(name: string, depth: number): (XmlElement | string)[] {
    const children: (XmlElement | string)[] = []
    for (;;) {
      const text = this.#match(TEXT)
      if (text !== null) children.push(resolve(lines(text[0])))
      else if (this.#comment()) continue
      else if (this.#text.startsWith(CDATA, this.#at)) {
        children.push(lines(this.#until(CDATA, ']]>')))
      } else if (this.#text.startsWith('</', this.#at)) {
        if (this.#match(END)?.[1] !== name) throw this.#fault()
        return children
      } else children.push(this.#element(depth + 1))
    }
  }

  /** Why the text can't be read from here. */
  #fault(): LogoRefused {
    const rest = this.#text.slice(this.#at, this.#at + 16)
    if (/^<!(?:DOCTYPE|ENTITY)/i.test(rest)) {
      return new LogoRefused('The SVG has a document type (DOCTYPE), which a logo cannot have. Remove it.')
    }
    if (rest.startsWith('<?')) {
      return new LogoRefused('The SVG has a processing instruction (`<?…?>`), which a logo cannot have. Remove it.')
    }
    const line = this.#text.slice(0, this.#at).split('\n').length
    return new LogoRefused(`The SVG is not well-formed XML at line ${line}. Export it again.`)
  }
}

const lines = (text: string) => text.replaceAll(/\r\n?/g, '\n')

function resolve(text: string): string {
  return text.replaceAll(REFERENCE, (_whole, named?: string, decimal?: string, hexadecimal?: string) => {
    if (named !== undefined) return NAMED[named]!
    const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
    const character = code <= 0x10ffff ? String.fromCodePoint(code) : '\0'
    if (!Number.isNaN(code) && !NOT_XML.test(character)) return character
    throw new LogoRefused('The SVG uses an entity that it would have to define (`&name;`). Write the character itself.')
  })
}

/** A name from the file, as refusals quote it. */
export const short = (name: string) => (name.length <= 40 ? name : `${name.slice(0, 40)}…`)

/** Writes an element so that `readXml` reads the same from it. */
export function writeXml({ name, attributes, children }: XmlElement): string {
  const pairs = [...attributes].map(([key, value]) => ` ${key}="${written(value, /[&<>"\t\n\r]/g)}"`).join('')
  if (children.length === 0) return `<${name}${pairs}/>`
  const inner = children
    .map(child => (typeof child === 'string' ? written(child, /[&<>\r]/g) : writeXml(child)))
    .join('')
  return `<${name}${pairs}>${inner}</${name}>`
}

const written = (text: string, all: RegExp) => text.replaceAll(all, each => `&#${each.charCodeAt(0)};`)
