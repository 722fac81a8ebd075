/** Collects the licence texts of the packages whose code is in a build. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Licence = {
  readonly name: string
  readonly version: string
  /** As the package declares it, such as `MIT`. */
  readonly licence: string
  /** The package's own text and notices; empty if it has none. */
  readonly text: string
}

type Manifest = { readonly name?: string; readonly version?: string; readonly license?: string }

/** Licences that let anyone pass the code on with the text, as we do. Another one needs a person to look at it. */
const ALLOWED = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0', 'MIT-0'])
const TEXTS = /^(?:licence|license|notice|copying)(?:[.-].*)?$/i

/**
 * @param modules paths of all modules in a build; ours, and those that the bundler made, are left out
 * @throws Error if a package has another licence than those that we pass on
 */
export function licencesOf(modules: Iterable<string>): Licence[] {
  const found = new Map<string, Licence>()
  for (const module of modules) {
    const folder = packageOf(module)
    if (folder !== undefined && !found.has(folder)) found.set(folder, licenceOf(folder))
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The folder of the installed package that a module belongs to. */
function packageOf(module: string): string | undefined {
  const at = module.lastIndexOf('/node_modules/')
  if (at < 0) return undefined
  const [, folder] = /^(\/node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(module.slice(at)) ?? []
  // The bundler's own helpers carry names such as `\0rolldown/runtime.js`.
  return folder === undefined ? undefined : module.slice(0, at).replace(/^\0/, '') + folder
}

function licenceOf(folder: string): Licence {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  if (name === undefined || version === undefined) throw new Error(`${folder} has no name or version.`)
  if (license === undefined || !ALLOWED.has(license))
    throw new Error(
      `${name} has the licence ${license}. Look at it, then add it to packaging/licences.ts, or replace it.`,
    )
  const files = readdirSync(folder).filter(file => TEXTS.test(file))
  const text = files.map(file => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n')
  return { name, version, licence: license, text: text === '' ? textInReadme(folder) : text }
}

/** Some packages have their licence at the end of their README only. */
function textInReadme(folder: string): string {
  const readme = readdirSync(folder).find(file => /^readme\.md$/i.test(file))
  if (readme === undefined) return ''
  const text = readFileSync(join(folder, readme), 'utf8')
  const at = text.search(/^#+ *(?:licence|license)\b/im)
  return at < 0 ? '' : text.slice(at).replace(/^.*\n/, '').trim()
}

export function formatLicences(licences: readonly Licence[]): string {
  const head =
    'This package contains code of the packages below, which others wrote. Each is named with its version, its licence\n' +
    'and the text that its authors give with it.\n'
  const parts = licences.map(({ name, version, licence, text }) => {
    const title = `${name} ${version} (${licence})`
    return `${title}\n${'-'.repeat(title.length)}\n\n${text === '' ? 'The package has no text of its own.' : text}\n`
  })
  return [head, ...parts].join('\n\n')
}
