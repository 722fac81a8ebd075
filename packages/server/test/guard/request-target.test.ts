import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CONTRACT_PORTS } from '../../src/guard/ports.ts'
import { encodedCharacters, encodeTarget, sentUrl, splitUrl } from '../../src/guard/request-target.ts'
import { checkTargetUrl, type TargetPolicy } from '../../src/guard/target.ts'

const STRICT: TargetPolicy = { dev: false, targetPorts: CONTRACT_PORTS, allowTarget: [] }

/** RFC 3986 §3.3, §3.4: absolute path and query, written independently of the code under test. */
const PATH_CHARACTER = "(?:[A-Za-z0-9\\-._~]|%[0-9A-Fa-f]{2}|[!$&'()*+,;=]|[:@])"
const GRAMMAR = new RegExp(`^(?:/${PATH_CHARACTER}*)+(?:\\?(?:${PATH_CHARACTER}|[/?])*)?$`)

/** Byte for byte, as slowly as it can be read. */
function reference(target: string): string {
  let encoded = ''
  for (let at = 0; at < target.length; ) {
    const triplet = target.slice(at, at + 3)
    const isTriplet = /^%[\dA-Fa-f]{2}$/.test(triplet)
    const piece = isTriplet ? triplet : String.fromCodePoint(target.codePointAt(at)!)
    const isAllowed = isTriplet || new RegExp(`^(?:${PATH_CHARACTER}|[/?])$`).test(piece)
    const bytes = [...Buffer.from(piece)].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    encoded += isAllowed ? piece : bytes.join('')
    at += piece.length
  }
  return encoded
}

const validPiece = fc.oneof(
  fc.constantFrom(..."abcXYZ019-._~!$&'()*+,;=:@/?"),
  fc.constantFrom('%41', '%2f', '%2F', '%25', '%00', '%C3%A9', '/../', '/./', '%2e%2E', '//', 'sig=a%2Bb/c+d=='),
)
const valid = fc.array(validPiece, { maxLength: 20 }).map(pieces => `/${pieces.join('')}`)
const oddPiece = fc.oneof(
  validPiece,
  fc.constantFrom(...'{}|[]^`"<>\\ %é😀'),
  fc.constantFrom('%4', '%%41', '%g1', '%{', '%%', '中', 'ŝ'),
  fc.string({ unit: 'grapheme', maxLength: 2 }).filter(text => !/[\p{C}\p{Z}#]/u.test(text)),
)
const odd = fc.array(oddPiece, { maxLength: 20 }).map(pieces => `/${pieces.join('')}`.trimEnd())
const authority = fc.constantFrom(
  'example.com',
  'example.com:8443',
  '8.8.8.8',
  '[2606:4700::1111]',
  '[2606:4700::1111]:8443',
)

function accepted(text: string) {
  const result = checkTargetUrl(text, STRICT)
  if (!result.ok) throw new Error(`${text} is refused: ${result.reason}`)
  return result
}

describe('a request target', () => {
  it('C3: that RFC 3986 allows is not changed, dot segments and signatures included', () => {
    fc.assert(
      fc.property(authority, valid, (host, target) => {
        expect(target).toMatch(GRAMMAR)
        expect(encodeTarget(target)).toBe(target)
        expect(accepted(`https://${host}${target}`)).toMatchObject({ url: `https://${host}${target}`, encoded: [] })
      }),
      { numRuns: 500 },
    )
  })

  it('C3: is what RFC 3986 allows once it is encoded, and is then not changed again', () => {
    fc.assert(
      fc.property(odd, target => {
        const encoded = encodeTarget(target)
        expect(encoded).toBe(reference(target))
        expect(encoded).toMatch(GRAMMAR)
        expect(encodeTarget(encoded)).toBe(encoded)
        expect(encodedCharacters(encoded)).toEqual([])
        expect(encodedCharacters(target).length > 0).toBe(encoded !== target)
      }),
      { numRuns: 1_000 },
    )
  })

  it('C3: never moves the authority, and the accepted URL is a fixed point', () => {
    fc.assert(
      fc.property(authority, odd, (host, target) => {
        const { url } = accepted(`https://${host}${target}`)
        expect(splitUrl(url)).toEqual({ origin: `https://${host}`, target: encodeTarget(target) })
        expect(accepted(url)).toMatchObject({ url, encoded: [] })
        expect(sentUrl(url)).toBe(url)
        // What other parsers make of it.
        expect(new URL(url).host).toBe(host)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['/h?x={a}', '/h?x=%7Ba%7D'],
    ['/{id}/h', '/%7Bid%7D/h'],
    ['/a|b?c|d', '/a%7Cb?c%7Cd'],
    ['/a[0]?f[x]=1', '/a%5B0%5D?f%5Bx%5D=1'],
    ['/^`', '/%5E%60'],
    ['/"<>\\', '/%22%3C%3E%5C'],
    ['/a b?c d', '/a%20b?c%20d'],
    ['/100%', '/100%25'],
    ['/%zz%4', '/%25zz%254'],
    ['/%%41', '/%25%41'],
    ['/é?ü=😀', '/%C3%A9?%C3%BC=%F0%9F%98%80'],
    ['/a/../b/./c/%2e%2e/d', '/a/../b/./c/%2e%2e/d'],
    ["/h?name='o'&sig=a%2bB%2F==", "/h?name='o'&sig=a%2bB%2F=="],
    ['/h?', '/h?'],
    ['/h??', '/h??'],
    ['?', '/?'],
    ['?a={b}', '/?a=%7Bb%7D'],
    ['', '/'],
  ])('C3: %s is sent as %s', (target, sent) => {
    expect(accepted(`https://example.com${target}`).url).toBe(`https://example.com${sent}`)
  })

  it('C3: of a URL that an earlier version stored is encoded, and its authority is not', () => {
    expect(sentUrl('https://[2606:4700::1111]:8443/a|b?c={d}[e]^%')).toBe(
      'https://[2606:4700::1111]:8443/a%7Cb?c=%7Bd%7D%5Be%5D%5E%25',
    )
    expect(sentUrl('https://xn--bcher-kva.example.com/?')).toBe('https://xn--bcher-kva.example.com/?')
  })
})
