export { type ColourChoice, type Paint, painter, type Tone, wantsColours } from './paint.ts'
export { type ListOptions, Printer, type PrinterFlags } from './printer.ts'
export { type Column, formatItem, type Show, Table } from './table.ts'
export {
  type Clock,
  type Environment,
  openTerminal,
  type ProcessParts,
  type Signal,
  type Terminal,
} from './terminal.ts'
export { formatDuration, formatRelative, formatUtc, NONE } from './times.ts'
export { cut, pad, padStart, plain, widthOf, wrap } from './widths.ts'
