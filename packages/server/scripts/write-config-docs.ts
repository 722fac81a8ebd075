/** Writes docs/configuration.md anew from the table of settings. Run it by hand when a test says the page is stale. */
import { writeFileSync } from 'node:fs'
import { configDocs } from '../src/config/docs.ts'

writeFileSync(new URL('../../../docs/configuration.md', import.meta.url), configDocs())
