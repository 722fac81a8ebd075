import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

/** Every page of Markdown, as a path from the root. */
export const PAGES = globSync('**/*.md', {
  cwd: ROOT,
  exclude: ['node_modules/**', '**/node_modules/**', '**/dist/**', 'bench/results/**'],
})
  .concat(globSync('.github/**/*.md', { cwd: ROOT }))
  .sort()

export const readPage = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8')

export const isThere = (path: string) => existsSync(`${ROOT}${path}`)

/** A page without its code blocks and code spans, where neither links nor words are prose. */
export function proseOf(text: string): string {
  return text
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/^( {4}|\t).*$/gm, '')
    .replace(/`[^`\n]*`/g, '``')
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>()
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.*)$/gm)
  return new Set(
    [...headings].map(([, heading]) => {
      const slug = heading!
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-')
      const count = seen.get(slug) ?? 0
      seen.set(slug, count + 1)
      return count === 0 ? slug : `${slug}-${count}`
    }),
  )
}
