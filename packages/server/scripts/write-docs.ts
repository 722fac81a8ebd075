/** Regenerates the pages of docs/ that come from tables. Run it manually when a test says that one is out of date. */
import { writeFileSync } from 'node:fs'
import { writePage } from '@posthorn/cli/reference'
import { configDocs, describeSettings } from '../src/config/descriptions.ts'
import { refusedAddressesDocs } from '../src/guard/docs.ts'
import { allCommands } from './all-commands.ts'

const settings = describeSettings().flatMap(({ flag }) => (flag === null ? [] : [flag]))
const pages = {
  'configuration.md': configDocs(),
  'refused-addresses.md': refusedAddressesDocs(),
  'commands.md': writePage(allCommands(), settings),
}
for (const [name, text] of Object.entries(pages)) {
  writeFileSync(new URL(`../../../docs/${name}`, import.meta.url), text)
}
