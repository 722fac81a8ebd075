import { useQuery } from '@tanstack/react-query'
import { Hidden } from '../kit/kbd.tsx'
import { cx } from '../lib/cx.ts'
import { formatNumber } from '../lib/format.ts'
import { marks as words } from '../strings/en/marks.ts'
import { posthorn } from './client.ts'
import styles from './marks.module.css'

/** What needs attention on a page: how much, and how urgently. */
type Attention = { readonly text: string; readonly says: string; readonly tone: 'red' | 'amber' | 'grey' }

const EVERY_MS = 30_000

/** What needs attention on the pages of Operate, by their paths. Read only while they are in sight. */
export function useMarks(enabled: boolean): Readonly<Record<string, Attention | undefined>> {
  const common = { enabled, refetchInterval: EVERY_MS, placeholderData: undefined }
  const nodes = useQuery({
    ...common,
    queryKey: ['nodes'],
    queryFn: ({ signal }) => posthorn.operations.listNodes({ signal }),
  })
  const checks = useQuery({
    ...common,
    queryKey: ['checks'],
    queryFn: ({ signal }) => posthorn.operations.getChecks({ signal }),
    refetchInterval: 2 * EVERY_MS,
  })
  const overview = useQuery({
    ...common,
    queryKey: ['overview', null, 'marks'],
    queryFn: ({ signal }) => posthorn.overview.getAll({ signal }),
  })
  const lost = nodes.data?.data.filter(({ state }) => state === 'lost').length ?? 0
  const found = checks.data?.data.filter(({ level }) => level !== 'ok').length ?? 0
  const isFailing = checks.data?.level === 'fail'
  return {
    '/operate/nodes': lost === 0 ? undefined : { text: words.lost(lost), says: words.saysLost(lost), tone: 'red' },
    '/operate/checks':
      found === 0
        ? undefined
        : { text: formatNumber(found), says: words.saysChecks(found), tone: isFailing ? 'red' : 'amber' },
    '/operate/rejected': counted(overview.data?.rejected.count, words.saysRejected),
    '/operate/set-aside': counted(overview.data?.setAside, words.saysSetAside),
  }
}

/** @param count null for more than 10,000 */
function counted(count: number | null | undefined, says: (n: string) => string): Attention | undefined {
  if (count === undefined || count === 0) return undefined
  const text = count === null ? '10k+' : formatNumber(count)
  return { text, says: says(text), tone: 'amber' }
}

export function Mark({ mark }: { readonly mark: Attention | undefined }) {
  if (mark === undefined) return null
  return (
    <span className={cx(styles.mark, styles[mark.tone])} title={mark.says}>
      <span aria-hidden="true">{mark.text}</span>
      <Hidden>{`, ${mark.says}`}</Hidden>
    </span>
  )
}
