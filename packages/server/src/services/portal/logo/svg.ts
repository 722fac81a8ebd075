/**
 * Decides whether an SVG can be a logo. It can have what is on the lists here and nothing else: what no list knows is
 * refused, with its name. It is stored as written by Posthorn from what it has read, so browsers see nothing that was
 * not checked.
 */
import { LogoRefused } from './refused.ts'
import { checkExpansion, type Drawn } from './svg-expansion.ts'
import { readXml, short, writeXml, type XmlElement } from './xml.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

const ELEMENTS = words(
  `svg g defs symbol use title desc style path rect circle ellipse line polyline polygon text tspan linearGradient
   radialGradient stop clipPath mask pattern filter feBlend feColorMatrix feComposite feDropShadow feFlood feGaussianBlur
   feMerge feMergeNode feMorphology feOffset`,
)

const ATTRIBUTES = words(
  `id class style lang role aria-label aria-labelledby aria-hidden transform viewBox preserveAspectRatio version
   baseProfile width height x y x1 y1 x2 y2 dx dy cx cy r rx ry fx fy fr d points pathLength offset rotate textLength
   lengthAdjust gradientUnits gradientTransform spreadMethod clipPathUnits maskUnits maskContentUnits patternUnits
   patternContentUnits patternTransform filterUnits primitiveUnits in in2 result mode type values operator k1 k2 k3 k4
   stdDeviation radius flood-color flood-opacity color-interpolation-filters color-interpolation mask-type fill
   fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit
   stroke-dasharray stroke-dashoffset stop-color stop-opacity opacity color clip-path clip-rule mask filter display
   visibility overflow paint-order vector-effect shape-rendering text-rendering image-rendering isolation
   mix-blend-mode transform-origin font-family font-size font-style font-weight font-stretch font-variant text-anchor
   text-decoration dominant-baseline alignment-baseline baseline-shift letter-spacing word-spacing writing-mode
   enable-background href xlink:href xml:space xml:lang`,
)

/** Left out: editors write them, and no browser draws them. */
const DROPPED = /^(?:data-[\w.-]+|version|baseProfile|enable-background)$/
/** Read out to people, never taken for CSS. */
const SPOKEN = words('aria-label aria-labelledby aria-hidden role lang xml:lang')
const LINKING = words('use linearGradient radialGradient pattern')

const SVG = 'http://www.w3.org/2000/svg'
const NAMESPACES = new Map([
  ['xmlns', SVG],
  ['xmlns:svg', SVG],
  ['xmlns:xlink', 'http://www.w3.org/1999/xlink'],
])

/** Functions of CSS and of `transform` that load nothing. */
const FUNCTIONS = words(
  `rgb rgba hsl hsla hwb lab lch oklab oklch color matrix translate translatex translatey scale scalex scaley rotate
   skewx skewy calc min max clamp`,
)
const LOCAL = /url\(\s*(["']?)#([^\s"'()\\<>]{1,200})\1\s*\)/gi
const FUNCTION = /([^\s,;:(){}"'/!]*)\(/g

/** The SVG as it is stored. Throws LogoRefused. */
export function checkSvg(text: string): string {
  const root = readXml(text)
  if (root.name !== 'svg' || root.attributes.get('xmlns') !== SVG) {
    throw new LogoRefused(`The file is XML, but no SVG image: it must begin with \`<svg xmlns="${SVG}">\`.`)
  }
  const drawn = check(root)
  checkExpansion(drawn)
  return writeXml(drawn.element)
}

function check({ name, attributes, children }: XmlElement): Drawn {
  if (!ELEMENTS.has(name)) throw unknownElement(name)
  const refers: string[] = []
  const kept = new Map<string, string>()
  for (const [key, value] of attributes) {
    if (DROPPED.test(key)) continue
    checkAttribute(name, key, value, refers)
    kept.set(key, value)
  }
  if (name === 'style') checkStyle(children, refers)
  const drawn = children.filter(child => typeof child !== 'string').map(check)
  let next = 0
  const written = children.map(child => (typeof child === 'string' ? child : drawn[next++]!.element))
  return { element: { name, attributes: kept, children: written }, refers, drawn }
}

function checkAttribute(element: string, name: string, value: string, refers: string[]): void {
  if (/^on/i.test(name)) {
    throw new LogoRefused(`The SVG has an event handler (\`${short(name)}\`), which could run a script. Remove it.`)
  }
  if (name === 'xmlns' || name.startsWith('xmlns:')) {
    if (NAMESPACES.get(name) === value) return
    throw new LogoRefused(
      `The SVG declares a namespace (\`${short(name)}\`) that is not SVG's. Save it as plain SVG, without an editor's data.`,
    )
  }
  if (!ATTRIBUTES.has(name)) {
    throw new LogoRefused(
      `The SVG has an attribute \`${short(name)}\` that a logo cannot have. Remove it, or save the file as plain SVG.`,
    )
  }
  if (name === 'href' || name === 'xlink:href') {
    if (!LINKING.has(element) || !/^#[^\s"'()\\<>]{1,200}$/.test(value)) throw outside(name)
    refers.push(value.slice(1))
  } else if (name === 'style') checkCss(value, refers)
  else if (!SPOKEN.has(name)) checkFunctions(value, refers)
}

function checkStyle(children: XmlElement['children'], refers: string[]): void {
  if (children.some(child => typeof child !== 'string')) throw new LogoRefused('The SVG has elements in its `style`.')
  checkCss(children.join(''), refers)
}

/**
 * Comments and strings are not left out first: what they hide from a reader of CSS depends on where it begins. Without
 * escapes, whatever loads something is written out, wherever it is.
 */
function checkCss(text: string, refers: string[]): void {
  if (text.includes('@')) {
    throw new LogoRefused(
      'The SVG has a rule like `@import` or `@font-face` in its CSS. Remove it, and turn text into paths.',
    )
  }
  if (text.includes('\\')) throw new LogoRefused('The SVG has a backslash in its CSS. Write the character itself.')
  checkFunctions(text, refers)
}

function checkFunctions(text: string, refers: string[]): void {
  const rest = text.replaceAll(LOCAL, (_whole, _quote, id: string) => {
    refers.push(id)
    return ' '
  })
  for (const [, name] of rest.matchAll(FUNCTION)) {
    if (name !== '' && !FUNCTIONS.has(name!.toLowerCase())) throw outside(`${short(name!)}(…)`)
  }
}

function unknownElement(name: string): LogoRefused {
  const shown = `\`${short(name)}\``
  if (/^(?:script|handler)$/i.test(name)) return new LogoRefused(`The SVG has a script (${shown}). Remove it.`)
  if (/^(?:image|feImage)$/i.test(name)) {
    return new LogoRefused(`The SVG has a picture in it (${shown}). Upload the logo as PNG, JPEG or WebP instead.`)
  }
  const how = name.includes(':') ? "Save it as plain SVG, without an editor's data." : 'Remove it, or upload a PNG.'
  return new LogoRefused(`The SVG has an element ${shown} that a logo cannot have. ${how}`)
}

function outside(what: string): LogoRefused {
  return new LogoRefused(
    `The SVG refers to something outside itself, or could (\`${what}\`). A logo can refer to its own ids only, such as \`url(#a)\`.`,
  )
}
