/**
 * A plugin for rolldown: whatever our code refers to by `new URL('./file', import.meta.url)` comes along. A TypeScript
 * file is the start of a thread or process, and is built like any other entry; another file is copied. All files of the
 * package are in one folder, so the reference works from whichever chunk the code ends up in.
 */
import { readFileSync } from 'node:fs'
import { basename, dirname, join, parse } from 'node:path'
import type { Plugin } from 'rolldown'

const REFERENCE = /new URL\('(\.\.?\/[^']+)', import\.meta\.url\)/g

/** @param entries the files that are entries anyway, with their names */
export function ownUrls(entries: Readonly<Record<string, string>>): Plugin {
  const names = new Map(Object.entries(entries).map(([name, file]) => [file, `${name}.js`]))
  return {
    name: 'own-urls',
    transform: {
      filter: { id: /\/packages\/[^/]+\/src\/.*\.ts$/, code: 'import.meta.url)' },
      handler(code, id) {
        const changed = code.replace(REFERENCE, (_whole, path: string) => {
          const file = join(dirname(id), path)
          let name = names.get(file)
          if (name === undefined) {
            name = file.endsWith('.ts') ? nameOf(file) : basename(file)
            if ([...names.values()].includes(name)) throw new Error(`Two files would be called ${name}: rename one.`)
            names.set(file, name)
            if (file.endsWith('.ts')) this.emitFile({ type: 'chunk', id: file, fileName: name })
            else this.emitFile({ type: 'asset', fileName: name, source: readFileSync(file) })
          }
          return `new URL('./${name}', import.meta.url)`
        })
        // No line is moved.
        return { code: changed, map: null }
      },
    },
  }
}

/** `store/sqlite/worker.ts` → `sqlite-worker.js` */
const nameOf = (file: string): string => `${basename(dirname(file))}-${parse(file).name}.js`
