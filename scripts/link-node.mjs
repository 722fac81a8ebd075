/**
 * Runs after `npm ci` and makes node_modules/.bin/node the Node that npm installed (decision 2). npm 11 has linked it
 * already. So has npm 10, but it then removes the link together with the packages of other platforms, whose links have
 * the same name. Windows needs other files instead of links, which npm 11 creates.
 */
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'

const bin = new URL('../node_modules/.bin/', import.meta.url)
const link = new URL('node', bin)
const platform = `${process.platform}-${process.arch}`
const binary = [`../node-${platform}/bin/node`, `../node-bin-${platform}/bin/node`].find(path =>
  existsSync(new URL(path, bin)),
)
if (process.platform !== 'win32' && binary !== undefined && !existsSync(link)) {
  mkdirSync(bin, { recursive: true })
  symlinkSync(binary, link)
}
