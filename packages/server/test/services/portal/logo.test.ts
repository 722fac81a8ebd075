/** What can be a logo (decision 53). */
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_LOGO_BYTES, readLogo } from '../../../src/services/portal/logo/logo.ts'
import { LogoRefused } from '../../../src/services/portal/logo/refused.ts'
import { checkSvg } from '../../../src/services/portal/logo/svg.ts'
import { jpeg, png, svg, webp } from './logos.ts'

// cspell:ignore Neue ttps

const refusal = (bytes: Uint8Array | string): string => {
  try {
    readLogo(Buffer.from(bytes as string))
  } catch (error) {
    if (error instanceof LogoRefused) return error.message
    throw error
  }
  return 'accepted'
}

/** What an editor exports. */
const EXPORTED = `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Made by an editor -->
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" id="Layer_1" data-name="Layer 1"
  version="1.1" width="120" height="32" viewBox="0 0 120 32" role="img" aria-label="Acme (webhooks)">
  <title>Acme &amp; Söhne</title>
  <defs>
    <style type="text/css"><![CDATA[.cls-1{fill:url(#linear);stroke:rgb(0, 0, 0)} .cls-2 > path{opacity:.5}]]></style>
    <linearGradient id="linear" gradientTransform="matrix(1 0 0 -1 0 32)"><stop offset="0" stop-color="#2f4bc3"/></linearGradient>
    <linearGradient id="other" xlink:href="#linear"/>
    <clipPath id="clip"><rect width="120" height="32" rx="4"/></clipPath>
    <filter id="shadow"><feGaussianBlur stdDeviation="2"/></filter>
  </defs>
  <g clip-path="url(#clip)" filter="url('#shadow')"><path class="cls-1" d="M0 0h8v8z" style="fill:url(#other)"/></g>
  <use href="#clip" x="3"/>
  <text x="40" y="20" font-family="Inter, 'Helvetica Neue'" font-size="14">Acme<tspan dx="2">!</tspan></text>
</svg>`

describe('an SVG', () => {
  it('as editors export it is accepted, and stored without what no browser draws', () => {
    const { type, bytes } = readLogo(Buffer.from(`\uFEFF${EXPORTED}`))
    const text = Buffer.from(bytes).toString()
    expect(type).toBe('image/svg+xml')
    expect(text).toMatch(/^<svg xmlns=/)
    expect(text).not.toMatch(/<!--|<\?xml|CDATA|data-name|version/)
    expect(text).toContain('.cls-1{fill:url(#linear);stroke:rgb(0, 0, 0)} .cls-2 &#62; path{opacity:.5}')
    expect(text).toContain('<title>Acme &#38; Söhne</title>')
    expect(checkSvg(text)).toBe(text)
  })

  it.each([
    ['<script>alert(1)</script>', 'a script'],
    ['<script href="#a"/>', 'a script'],
    ['<SCRIPT>alert(1)</SCRIPT>', 'a script'],
    ['<svg:script>alert(1)</svg:script>', 'plain SVG'],
    ['<foreignObject><p>x</p></foreignObject>', 'foreignObject'],
    ['<iframe src="https://evil.example"/>', 'iframe'],
    ['<image href="https://evil.example/a.png"/>', 'a picture in it'],
    ['<image href="data:image/svg+xml;base64,PHN2Zz4="/>', 'a picture in it'],
    ['<a href="javascript:alert(1)"><rect/></a>', 'element `a`'],
    ['<animate attributeName="href" to="javascript:alert(1)"/>', '`animate`'],
    ['<set attributeName="onload" to="alert(1)"/>', '`set`'],
    ['<feImage href="https://evil.example"/>', 'a picture in it'],
    ['<link rel="stylesheet" href="https://evil.example"/>', '`link`'],
    ['<metadata/>', '`metadata`'],
    ['<g onload="alert(1)"/>', 'event handler'],
    ['<g ONCLICK="alert(1)"/>', 'event handler'],
    ['<g xml:base="https://evil.example/"/>', 'xml:base'],
    ['<g src="x"/>', '`src`'],
    ['<g href="#a"/>', 'outside itself'],
    ['<use href="https://evil.example/a.svg#b"/>', 'outside itself'],
    ['<use xlink:href="//evil.example/a.svg#b"/>', 'outside itself'],
    ['<use href="data:image/svg+xml,x#b"/>', 'outside itself'],
    ['<use href=" #a"/>', 'outside itself'],
    ['<g xmlns="http://www.w3.org/1999/xhtml"/>', 'namespace'],
    ['<g xmlns:x="http://www.w3.org/1999/xhtml"/>', 'namespace'],
    ['<g xmlns:xlink="http://www.w3.org/2000/svg"/>', 'namespace'],
    ['<rect fill="url(https://evil.example/a)"/>', 'outside itself'],
    ['<rect fill="URL( https://evil.example/a )"/>', 'outside itself'],
    ['<rect fill="url(&#104;ttps://evil.example/a)"/>', 'outside itself'],
    ['<rect fill="url(&quot;https://evil.example/#a&quot;)"/>', 'outside itself'],
    ['<rect fill="image-set(&quot;https://evil.example&quot; 1x)"/>', 'image-set(…)'],
    ['<rect style="background:u\\72l(https://evil.example)"/>', 'backslash'],
    ['<rect style="fill:src(&quot;x&quot;)"/>', 'src(…)'],
    ['<rect style="width:expression(alert(1))"/>', 'expression(…)'],
    ['<rect style="fill:var(--x)"/>', 'var(…)'],
    ['<style>@import "https://evil.example";</style>', '@import'],
    ['<style>&#64;import "https://evil.example";</style>', '@import'],
    ['<style><![CDATA[@font-face{src:url(x)}]]></style>', '@import'],
    ['<style>g{fill:url(https://evil.example)}</style>', 'outside itself'],
    ['<style>g{content:"/*";fill:url(https://evil.example);content:"*/"}</style>', 'outside itself'],
    ['<style><g/></style>', 'elements in its `style`'],
    ['<style media="print">g{}</style>', '`media`'],
    ['<style>g{mask:url(#m)}</style><mask id="m"/>', 'more than gradients'],
    ['&entity;', 'entity'],
    ['&#0;', 'entity'],
    ['&#x110000;', 'entity'],
    ['&#xD800;', 'entity'],
    ['& b', 'entity'],
    ['<!DOCTYPE svg>', 'document type'],
    ['<?xml-stylesheet href="https://evil.example"?>', 'processing instruction'],
    ['<![CDATA[', 'not well-formed'],
    ['<!-- a -- b -->', 'not well-formed'],
    ['<g><rect></g></rect>', 'not well-formed'],
    ['<g id=a/>', 'not well-formed'],
    ['<g id="a"class="b"/>', 'not well-formed'],
    ['<g id="a" id="b"/>', 'twice'],
    ['<g id="a"/><g id="a"/>', 'same `id` twice'],
    ['<g id="a"><use href="#a"/></g>', 'in a circle'],
    ['\u0001', 'control characters'],
    ['<g>'.repeat(70) + '</g>'.repeat(70), 'nests more than'],
  ])('with %j is refused', (inner, why) => {
    const said = refusal(svg(inner))
    expect(said).toContain(why)
    expect(said).not.toContain('evil')
  })

  it.each([
    ['<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>', 'document type'],
    ['<?xml version="1.0" encoding="UTF-7"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'UTF-8'],
    ['<svg/>', 'no SVG image'],
    ['<svg xmlns="http://www.w3.org/1999/xhtml"/>', 'no SVG image'],
    ['<rect xmlns="http://www.w3.org/2000/svg"/>', 'no SVG image'],
    ['<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 'event handler'],
    ['<svg xmlns="http://www.w3.org/2000/svg"/><script/>', 'not well-formed'],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>x', 'not well-formed'],
    [' <?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'processing instruction'],
  ])('file %j is refused', (text, why) => {
    expect(refusal(text)).toContain(why)
  })

  it('that multiplies itself when it is drawn is refused, however few elements it has', () => {
    const level = (index: number) => `<g id="l${index}">${`<use href="#l${index - 1}"/>`.repeat(10)}</g>`
    const levels = (count: number) =>
      svg(`<rect id="l0"/>${Array.from({ length: count }, (_, at) => level(at + 1)).join('')}`)
    expect(refusal(levels(3))).toBe('accepted')
    expect(refusal(levels(6))).toContain('draws more than')
    const chain = Array.from({ length: 3_000 }, (_, at) => `<linearGradient id="g${at}" href="#g${at + 1}"/>`)
    expect(refusal(svg(chain.join('')))).toContain('refer on too often')
  })
})

/** Trees of what is on the lists. */
const text = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map(each => each.replaceAll(/[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, ''))
const escaped = (value: string) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
const attribute = fc.oneof(
  text.map(value => ` aria-label="${escaped(value)}"`),
  fc.constantFrom(
    ' fill="url(#a)"',
    " fill='#fff'",
    ' transform="rotate(3) scale( 2 )"',
    ' d="M0 0"',
    ' style="fill:red"',
  ),
)
const distinct = fc
  .uniqueArray(attribute, { maxLength: 3, selector: each => each.split('=')[0] })
  .map(all => all.join(''))
const { tree } = fc.letrec<{ tree: string }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    text.map(escaped),
    fc
      .tuple(fc.constantFrom('g', 'defs', 'text', 'mask'), distinct, fc.array(tie('tree'), { maxLength: 4 }))
      .map(([name, attributes, inner]) => `<${name}${attributes}>${inner.join('')}</${name}>`),
  ),
}))

/** Each is refused wherever it stands. */
const BAD = [
  '<script/>',
  '<g onload="x"/>',
  '<foreignObject/>',
  '<use href="http://evil.example#a"/>',
  '<rect mask="url(http://evil.example)"/>',
  '<style>@import "x"</style>',
  '<!ENTITY a "b">',
  '&a;',
  '<image/>',
]

describe('for any SVG', () => {
  it('what is stored is what was read: checked again, it is the same', () => {
    fc.assert(
      fc.property(tree, inner => {
        const stored = checkSvg(svg(inner))
        expect(checkSvg(stored)).toBe(stored)
      }),
      { numRuns: 200 },
    )
  })

  it('something bad is found wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.array(tree, { maxLength: 4 }),
        fc.constantFrom(...BAD),
        fc.nat(4),
        fc.nat(5),
        (trees, bad, at, depth) => {
          const inner = trees.toSpliced(at, 0, bad).join('')
          expect(refusal(svg(`${'<g>'.repeat(depth)}${inner}${'</g>'.repeat(depth)}`))).not.toBe('accepted')
        },
      ),
      { numRuns: 300 },
    )
  })

  it('a file with anything cut out of it or put into it is refused in words, or is one without anything bad', () => {
    const snippet = fc.oneof(
      fc.constantFrom(...BAD, '<', '>', '"', "'", '&', '/', '--', ']]>', 'on', 'url(', '@', '\\'),
      text,
    )
    fc.assert(
      fc.property(fc.nat(EXPORTED.length), fc.nat(40), snippet, (at, length, put) => {
        const mutated = EXPORTED.slice(0, at) + put + EXPORTED.slice(at + length)
        try {
          const stored = checkSvg(mutated)
          expect(checkSvg(stored)).toBe(stored)
          // What is between elements is shown as it is, but in a style sheet.
          const markup = stored
            .replaceAll(/(<style[^>]*>[^<]*)|(<[^>]*>)|[^<]+/g, '$1$2')
            .replaceAll(/ aria-label="[^"]*"/g, '')
          expect(markup).not.toMatch(
            /<(?:script|foreignObject|image|a|set|animate)\b|<[^>]* on\w+=|<[!?]|url\((?!['"]?#|&#34;#)|@import/i,
          )
        } catch (error) {
          if (!(error instanceof LogoRefused)) throw error
        }
      }),
      { numRuns: 500 },
    )
  })

  it('any bytes are refused in words, or are an image', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(fc.constantFrom(png(9, 9), jpeg(9, 9), webp(9, 9)), fc.nat(80), fc.uint8Array({ maxLength: 9 }))
        .map(([file, at, put]) => Buffer.concat([file.subarray(0, at), put, file.subarray(at + put.length)])),
    )
    fc.assert(
      fc.property(bytes, file => {
        expect(typeof refusal(file)).toBe('string')
      }),
      { numRuns: 500 },
    )
  })
})

describe('a picture', () => {
  it.each([
    ['image/png', png(512, 128)],
    ['image/jpeg', jpeg(512, 128)],
    ['image/webp', webp(512, 128)],
  ])('is recognised by its content: %s', (type, file) => {
    expect(readLogo(file)).toMatchObject({ type, hash: expect.stringMatching(/^[0-9a-f]{32}$/) })
  })

  it.each([
    ['nothing', Buffer.alloc(0), 'is empty'],
    ['a GIF', Buffer.from('GIF89a\u0001\u0000\u0001\u0000'), 'not a PNG, JPEG, WebP or SVG'],
    ['a page', Buffer.from('<!doctype html><script>alert(1)</script>'), 'not a PNG, JPEG, WebP or SVG'],
    [
      'text in another encoding',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>', 'utf16le'),
      'control characters',
    ],
    ['more than 256 KiB', Buffer.concat([png(9, 9), Buffer.alloc(MAX_LOGO_BYTES)]), 'at most 256 KiB'],
    ['a PNG that is cut off', png(9, 9).subarray(0, 40), 'damaged'],
    ['a PNG with something behind it', Buffer.concat([png(9, 9), Buffer.from('<script>')]), 'damaged'],
    ['a JPEG that is cut off', jpeg(9, 9).subarray(0, 8), 'damaged'],
    ['a WebP that is cut off', webp(9, 9).subarray(0, 20), 'damaged'],
    ['a PNG without pixels', png(0, 9), '0 × 9 pixels'],
    ['a PNG that takes gigabytes', png(60_000, 60_000), '60000 × 60000 pixels'],
    ['a JPEG that takes gigabytes', jpeg(65_535, 9), '65535 × 9 pixels'],
    ['a WebP that is too wide', webp(9_000, 9), '9000 × 9 pixels'],
  ])('%s is refused', (_what, file, why) => {
    expect(refusal(file)).toContain(why)
  })
})
