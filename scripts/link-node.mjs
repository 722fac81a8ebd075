/**
 * After `npm ci`: sees to it that node_modules/.bin/node is the Node that npm installed (decision 2). npm 11 has linked
 * it by now; npm 10 has too, but then takes the link away again together with the packages of other platforms, whose
 * link has the same name. Windows needs other files than links, which npm 11 makes.
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
