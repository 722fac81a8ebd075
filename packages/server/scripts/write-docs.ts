/** Regenerates the pages of docs/ that come from tables. Run it manually when a test says that one is out of date. */
import { writeFileSync } from 'node:fs'
import { configDocs } from '../src/config/descriptions.ts'
import { refusedAddressesDocs } from '../src/guard/docs.ts'

const pages = { 'configuration.md': configDocs(), 'refused-addresses.md': refusedAddressesDocs() }
for (const [name, text] of Object.entries(pages)) {
  writeFileSync(new URL(`../../../docs/${name}`, import.meta.url), text)
}
