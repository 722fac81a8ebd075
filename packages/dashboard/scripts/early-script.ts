import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

const source = new URL('../src/early.js', import.meta.url)

/**
 * Puts `src/early.js` into the page as a classic script of its own, since the Content-Security-Policy allows no inline
 * script. It stands right behind `<base>`: it has to run before the first paint, and scripts wait for the styles before
 * them.
 */
export function earlyScript(): Plugin {
  let isBuild = false
  return {
    name: 'early-script',
    configResolved(config) {
      isBuild = config.command === 'build'
    },
    buildStart() {
      if (isBuild) this.emitFile({ type: 'asset', name: 'early.js', source: readFileSync(source, 'utf8') })
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const built = Object.keys(bundle ?? {}).find(file => /\bearly-[^/]*\.js$/.test(file))
        return html.replace(
          /<base\b[^>]*>/,
          base => `${base}\n    <script src="./${built ?? 'src/early.js'}"></script>`,
        )
      },
    },
  }
}
