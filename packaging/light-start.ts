/**
 * A plugin for rolldown: leaves out of a start what Node or a package would load without need.
 *
 * `import … from 'node:http'` makes Node read everything that the module exports, and so load the whole client behind
 * `WebSocket`: 4 MB and some milliseconds. What `process.getBuiltinModule` returns is the same module, unread. The web
 * framework loads HTTP/2, which we don't use, and the package that writes our OpenAPI document loads one for YAML.
 *
 * The router compiles a function for each of 200 pieces of paths, and another for each route: as long as Node takes for
 * half of its own start. For long pieces it has a way without, which is as fast for short ones; and most routes have the
 * same parameters.
 */
import http from 'node:http'
import type { Plugin } from 'rolldown'

const HTTP = '\0http'
const UNUSED = '\0unused'

/** Those with a getter are what must not be read. */
const EXPORTS = Object.entries(Object.getOwnPropertyDescriptors(http))
  .filter(([name, { get }]) => get === undefined && /^[A-Za-z]\w*$/.test(name))
  .map(([name]) => `export const ${name} = http.${name}`)

type Change = readonly [before: string, after: string]

const ROUTER: Readonly<Record<string, readonly Change[]>> = {
  '/find-my-way/lib/node.js': [
    ['const LONG_PREFIX_MIN_LENGTH = 16', 'const LONG_PREFIX_MIN_LENGTH = 0'],
    ['return path.indexOf(prefix, i) === i', 'return path.startsWith(prefix, i)'],
  ],
  '/find-my-way/lib/handler-storage.js': [
    ['class HandlerStorage {', 'const createdByParams = new Map()\n\nclass HandlerStorage {'],
    [
      "return new Function('NullObject', fnBody.join('\\n'))(NullObject)",
      'const key = JSON.stringify(params)\n' +
        "    if (!createdByParams.has(key)) createdByParams.set(key, new Function('NullObject', fnBody.join('\\n'))(NullObject))\n" +
        '    return createdByParams.get(key)',
    ],
  ],
}

/** @throws Error if the router's code is another than the one that the changes were made for */
export function withoutCompiling(id: string, code: string): string {
  const changes = Object.entries(ROUTER).find(([end]) => id.endsWith(end))?.[1] ?? []
  return changes.reduce((text, [before, after]) => {
    if (text.split(before).length === 2) return text.replace(before, () => after)
    throw new Error(
      `${id} does not contain \`${before}\` once: change packaging/light-start.ts for this version of it.`,
    )
  }, code)
}

export function lightStart(): Plugin {
  return {
    name: 'light-start',
    resolveId: {
      filter: { id: /^(?:node:http|node:http2|yaml)$/ },
      handler: (id, _importer, { kind }) => {
        if (id !== 'node:http') return UNUSED
        // `require` doesn't read what a module exports.
        return kind === 'import-statement' ? HTTP : null
      },
    },
    transform: {
      filter: { id: /\/find-my-way\/lib\/(?:node|handler-storage)\.js$/ },
      handler: (code, id) => ({ code: withoutCompiling(id, code), map: null }),
    },
    load: {
      filter: { id: /^\0(?:http|unused)$/ },
      handler: id =>
        id === UNUSED
          ? 'export {}'
          : ["const http = process.getBuiltinModule('node:http')", 'export default http', ...EXPORTS].join('\n'),
    },
  }
}
