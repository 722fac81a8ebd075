import type { HtmlTagDescriptor, Plugin } from 'vite'

type Chunk = {
  readonly type: string
  readonly name?: string
  readonly imports?: readonly string[]
  readonly viteMetadata?: { readonly importedCss: ReadonlySet<string> }
}

/** The group in `vite.config.ts` that `src/start.tsx` is in. */
const FIRST = 'first'

/**
 * Has the page ask for `src/start.tsx` and all that it imports together with `src/main.tsx`, which loads it only when it
 * knows the language. Otherwise a first visit would wait for one after the other.
 */
export function startEarly(): Plugin {
  return {
    name: 'start-early',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const chunks = bundle as unknown as Readonly<Record<string, Chunk | undefined>>
        // In the order in which they run, which is that of their styles.
        const files = new Set<string>()
        const seen = new Set<string>()
        const add = (file: string): void => {
          if (seen.has(file)) return
          seen.add(file)
          for (const next of chunks[file]?.imports ?? []) add(next)
          files.add(file)
        }
        for (const [file, chunk] of Object.entries(chunks)) if (chunk?.name === FIRST) add(file)
        const styles = new Set([...files].flatMap(file => [...(chunks[file]?.viteMetadata?.importedCss ?? [])]))
        const link = (attrs: Record<string, string | boolean>): HtmlTagDescriptor => ({
          tag: 'link',
          attrs: { ...attrs, crossorigin: true },
          injectTo: 'head',
        })
        return [
          ...[...files].map(file => link({ rel: 'modulepreload', href: `./${file}` })),
          ...[...styles].map(file => link({ rel: 'stylesheet', href: `./${file}` })),
        ].filter(({ attrs }) => !html.includes(`href="${attrs?.href}"`))
      },
    },
  }
}
