/** What stands next to the pages of Operate: apart from their words, because the frame of all pages shows it. */
import { formatNumber } from '../../lib/format.ts'

export const marks = {
  lost: (n: number) => `${formatNumber(n)} lost`,
  saysLost: (n: number) => `${formatNumber(n)} ${n === 1 ? 'node' : 'nodes'} lost`,
  saysChecks: (n: number) => `${formatNumber(n)} need${n === 1 ? 's' : ''} attention`,
  saysRejected: (n: string) => `${n} rejected in the last 24 hours`,
  saysSetAside: (n: string) => `${n} set aside`,
}
