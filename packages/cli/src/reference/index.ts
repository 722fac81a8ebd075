export { writeManual } from './manual.ts'
export { writePage } from './page.ts'
