/**
 * The words of the pages, in the language in use. A translation is a folder next to `en` with the same files; each page
 * imports its own section, so that a page's words are loaded with the page.
 */
export { common } from './en/common.ts'
export { shell } from './en/shell.ts'
