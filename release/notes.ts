/** Prints what CHANGELOG.md says about a version, for the page of its release: `node release/notes.ts v1.2.3`. */
import { readFileSync } from 'node:fs'
import { notesOf } from './changelog.ts'

const version = process.argv[2]?.replace(/^v/, '')
if (version === undefined) throw new Error('Specify the version: node release/notes.ts v1.2.3')
process.stdout.write(`${notesOf(readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8'), version)}\n`)
