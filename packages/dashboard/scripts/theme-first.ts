import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

const source = new URL('../src/theme-first.js', import.meta.url)

/**
 * Puts `src/theme-first.js` into the page's head as a classic script of its own: it has to run before the first paint,
 * which modules don't, and the Content-Security-Policy allows no inline script.
 */
export function themeFirst(): Plugin {
  let isBuild = false
  let reference = ''
  return {
    name: 'theme-first',
    configResolved(config) {
      isBuild = config.command === 'build'
    },
    buildStart() {
      if (!isBuild) return
      reference = this.emitFile({ type: 'asset', name: 'theme-first.js', source: readFileSync(source, 'utf8') })
    },
    transformIndexHtml: {
      order: 'post',
      handler(_html, context) {
        const name = Object.keys(context.bundle ?? {}).find(file => file.includes('theme-first'))
        const src = reference !== '' && name !== undefined ? `./${name}` : './src/theme-first.js'
        return [{ tag: 'script', attrs: { src }, injectTo: 'head' }]
      },
    },
  }
}
