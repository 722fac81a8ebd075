/** Reads and cuts CHANGELOG.md, which people write in the manner of Keep a Changelog. */

const HEADING = '## Unreleased'
const FIRST_WORDS = ' Nothing has been released yet.'

/** A part under "Unreleased", such as `Added`, in the order of the page. */
export type Part = { readonly title: string; readonly text: string }

/** Returns the text under "Unreleased". Throws if there is none. */
export function unreleased(page: string): string {
  const [, after, ...more] = page.split(new RegExp(`^${HEADING}$`, 'm'))
  if (after === undefined || more.length > 0) throw new Error(`CHANGELOG.md needs exactly one heading "${HEADING}".`)
  return after.split(/^## /m, 1)[0]!.trim()
}

export function partsOf(text: string): Part[] {
  const [, ...parts] = text.split(/^### (.*)$/m)
  return Array.from({ length: parts.length / 2 }, (_, index) => ({
    title: parts[index * 2]!.trim(),
    text: parts[index * 2 + 1]!.trim(),
  }))
}

const KNOWN_PARTS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']

export type Increment = 'major' | 'minor' | 'patch'

/**
 * What the changes ask of the version: "Removed" a major one, "Fixed" and "Security" alone a patch, anything else a minor
 * one. Throws if there is nothing to release or a part has another name.
 */
export function incrementFor(parts: readonly Part[]): Increment {
  const titles = parts.filter(({ text }) => text !== '').map(({ title }) => title)
  const unknown = titles.filter(title => !KNOWN_PARTS.includes(title))
  if (unknown.length > 0)
    throw new Error(`CHANGELOG.md: use one of ${KNOWN_PARTS.join(', ')} instead of "${unknown[0]}".`)
  if (titles.length === 0)
    throw new Error('CHANGELOG.md lists nothing under "Unreleased", so there is nothing to release.')
  if (titles.includes('Removed')) return 'major'
  return titles.every(title => title === 'Fixed' || title === 'Security') ? 'patch' : 'minor'
}

/** The version after `version`. Before 1.0.0, what asks for a major version gets a minor one. */
export function versionAfter(version: string, increment: Increment): string {
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(version)
  if (match === null) throw new Error(`After ${version}, specify the version: npm run release -- 1.2.3`)
  const [major, minor, patch] = match.slice(1).map(Number) as [number, number, number]
  if (increment === 'major' && major > 0) return `${major + 1}.0.0`
  if (increment === 'patch') return `${major}.${minor}.${patch + 1}`
  return `${major}.${minor + 1}.0`
}

/** Puts what is unreleased under the version, with an empty "Unreleased" above it. */
export function cut(page: string, version: string, day: string): string {
  unreleased(page) // there is exactly one
  return page.replace(FIRST_WORDS, '').replace(new RegExp(`^${HEADING}$`, 'm'), `${HEADING}\n\n## ${version} - ${day}`)
}

/** Returns the text under a version. Throws if there is none. */
export function notesOf(page: string, version: string): string {
  const section = page.split(/^## /m).find(each => each.startsWith(`${version} - `))
  if (section === undefined)
    throw new Error(`CHANGELOG.md has no heading for version ${version}: npm run release writes it.`)
  return section.slice(section.indexOf('\n')).trim()
}
