import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchorsOf, isThere, PAGES, proseOf, readPage } from './pages.ts'

type Link = { readonly target: string; readonly path: string; readonly anchor: string | undefined }

/** The links of a page that lead into the repository. */
function linksOf(page: string): Link[] {
  return [...proseOf(readPage(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(match => match[1]!)
    .filter(target => !/^[a-z]+:/.test(target))
    .map(target => {
      const [path, anchor] = target.split('#')
      return { target, path: path === '' ? page : posix.join(posix.dirname(page), path!), anchor }
    })
}

describe('the pages', () => {
  it('link only to files and headings that exist', () => {
    const broken = PAGES.flatMap(page =>
      linksOf(page)
        .filter(({ path, anchor }) => {
          if (!isThere(path)) return true
          return anchor !== undefined && !anchorsOf(readPage(path)).has(anchor)
        })
        .map(({ target }) => `${page}: ${target}`),
    )
    expect(PAGES.length).toBeGreaterThan(40)
    expect(broken).toEqual([])
  })

  it('name only paths that exist', () => {
    const missing = PAGES.flatMap(page =>
      [...readPage(page).matchAll(/`((?:packages|docs|deploy|examples|bench|chaos|drill|scripts)\/[\w./-]+)`/g)]
        .map(match => match[1]!)
        // Examples of files to add, and what a build or a run leaves behind.
        .filter(path => !/what-it-does|short-name|\/dist\b|bench\/results/.test(path) && !isThere(path))
        .map(path => `${page}: ${path}`),
    )
    expect(missing).toEqual([])
  })

  it('can all be reached from docs/README.md', () => {
    const reached = new Set<string>()
    const toVisit = ['docs/README.md']
    for (let page = toVisit.pop(); page !== undefined; page = toVisit.pop()) {
      if (reached.has(page) || !isThere(page)) continue
      reached.add(page)
      toVisit.push(
        ...linksOf(page)
          .map(({ path }) => path)
          .filter(path => path.endsWith('.md')),
      )
    }
    const unreachable = PAGES.filter(page => page.startsWith('docs/') && !reached.has(page))
    expect(unreachable).toEqual([])
  })

  it('of docs/ open with a sentence, and say at their end where to go next', () => {
    const guides = PAGES.filter(page => /^docs\/[\w-]+\.md$/.test(page) && page !== 'docs/README.md')
    for (const page of guides) {
      const text = readPage(page)
      expect(text, `${page} opens with a title and a sentence`).toMatch(/^# .+\n\n(?:<!--.*-->\n\n)?[A-Z`*][^|\n]{20,}/)
      const last = text.slice(text.lastIndexOf('\n## '))
      expect(last, `${page} ends with "## Next"`).toMatch(/^\n## Next\n/)
      expect(proseOf(last), `${page} links somewhere at its end`).toContain('](')
    }
    expect(guides.length).toBeGreaterThan(15)
  })
})
