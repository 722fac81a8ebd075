/** Writes `packages/client/src/api` again, from the API of the server next to it: `npm run generate:client`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { currentDocument } from './document.ts'
import { generate } from './files.ts'

const folder = new URL('../src/api/', import.meta.url)
const files = generate(await currentDocument())
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
for (const [name, text] of files) writeFileSync(new URL(name, folder), text)
