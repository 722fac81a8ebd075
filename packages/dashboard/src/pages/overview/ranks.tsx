import type { TenantStats } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from '../../kit/link.tsx'
import { ErrorState } from '../../kit/surfaces.tsx'
import { formatCompact, formatNumber, formatPercent } from '../../lib/format.ts'
import { shownName } from '../../lib/names.ts'
import type { Range } from '../../lib/range.ts'
import { overview } from '../../strings/en/overview.ts'
import { common } from '../../strings/index.ts'
import styles from './overview.module.css'
import { ranksQuery } from './queries.ts'
import { Section } from './section.tsx'

const words = overview.ranks

const SHOWN = 5

type Column = { readonly title: string; readonly hint?: string; readonly cell: (one: TenantStats) => ReactNode }

const failing: Column = {
  title: words.failing,
  hint: words.failingTitle,
  cell: ({ failingEndpoints }) =>
    failingEndpoints === null ? (
      '> 1,000'
    ) : failingEndpoints === 0 ? (
      common.none
    ) : (
      <b>{formatNumber(failingEndpoints)}</b>
    ),
}

const exhausted: Column = {
  title: words.exhausted,
  cell: ({ deliveries }) => (deliveries.exhausted === 0 ? common.none : formatCompact(deliveries.exhausted)),
}

const failed: Column = {
  title: words.failed,
  hint: words.failedTitle,
  cell: ({ failureRate }) => (failureRate === null || failureRate === 0 ? common.none : formatPercent(failureRate)),
}

const attempts: Column = { title: words.attempts, cell: one => formatCompact(one.attempts) }
const delivered: Column = { title: words.delivered, cell: ({ deliveries }) => formatCompact(deliveries.delivered) }

const COLUMNS = { trouble: [failing, exhausted, failed], volume: [attempts, delivered, failed] } as const

/** Whether a tenant has anything that it should be told of. */
function isTroubled({ failingEndpoints, deliveries }: TenantStats): boolean {
  return failingEndpoints !== 0 || deliveries.exhausted > 0
}

/** The first tenants by volume, or by trouble. */
export function Ranks({ sort, range }: { readonly sort: 'trouble' | 'volume'; readonly range: Range }) {
  const ranks = useQuery(ranksQuery(sort, range, SHOWN))
  const found = ranks.data?.data.filter(one => sort === 'volume' || isTroubled(one))
  const columns = COLUMNS[sort]
  return (
    <Section
      title={words[sort]}
      end={
        <Link to="/tenants" search={{ sort }}>
          {words.all}
        </Link>
      }
    >
      <div className={styles.rank}>
        {found !== undefined && found.length > 0 && (
          <table className={styles.list}>
            <thead>
              <tr>
                <th scope="col">{words.tenant}</th>
                {columns.map(({ title, hint }) => (
                  <th key={title} scope="col" title={hint}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.map(one => (
                <tr key={one.tenant}>
                  <th scope="row">
                    <Link
                      to="/tenants/$tenant"
                      params={{ tenant: one.tenant }}
                      search={{ tenant: undefined }}
                      title={one.tenant}
                    >
                      <bdi>{shownName(one.name ?? one.tenant)}</bdi>
                    </Link>
                  </th>
                  {columns.map(({ title, cell }) => (
                    <td key={title}>{cell(one)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {found?.length === 0 && <p className={styles.none}>{sort === 'trouble' ? words.noTrouble : words.noVolume}</p>}
        {ranks.data?.complete === false && <p className={styles.none}>{words.incomplete}</p>}
        {found === undefined && ranks.error !== null && (
          <ErrorState error={ranks.error} onRetry={() => void ranks.refetch()} />
        )}
      </div>
    </Section>
  )
}
