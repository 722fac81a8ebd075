/**
 * A plugin for rolldown: leaves out of a start what Node or a package would load without need.
 *
 * `import … from 'node:http'` makes Node read everything that the module exports, and so load the whole client behind
 * `WebSocket`: 4 MB and some milliseconds. What `process.getBuiltinModule` returns is the same module, unread. The web
 * framework loads HTTP/2, which we don't use, and the package that writes our OpenAPI document loads one for YAML.
 */
import http from 'node:http'
import type { Plugin } from 'rolldown'

const HTTP = '\0http'
const UNUSED = '\0unused'

/** Those with a getter are what must not be read. */
const EXPORTS = Object.entries(Object.getOwnPropertyDescriptors(http))
  .filter(([name, { get }]) => get === undefined && /^[A-Za-z]\w*$/.test(name))
  .map(([name]) => `export const ${name} = http.${name}`)

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
    load: {
      filter: { id: /^\0(?:http|unused)$/ },
      handler: id =>
        id === UNUSED
          ? 'export {}'
          : ["const http = process.getBuiltinModule('node:http')", 'export default http', ...EXPORTS].join('\n'),
    },
  }
}
