import type { Checks, Finding } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { CodeBlock } from '../../kit/code.tsx'
import { Id } from '../../kit/copy.tsx'
import { Icon, type IconName } from '../../kit/icon.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { Link } from '../../kit/link.tsx'
import { ErrorState, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'
import { cx } from '../../lib/cx.ts'
import { messageOf } from '../../lib/errors.ts'
import { formatDuration } from '../../lib/format.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { sentence } from '../../lib/sentence.ts'
import type { Tone } from '../../lib/states.ts'
import { checkParts, operate } from '../../strings/en/operate.ts'
import { common, shell } from '../../strings/index.ts'
import styles from './checks.module.css'
import { Frame } from './frame.tsx'
import { checksQuery } from './queries.ts'

const words = operate.checks

type Level = Finding['level']

const LOOKS: Readonly<Record<Level, { readonly tone: Tone; readonly icon: IconName }>> = {
  fail: { tone: 'red', icon: 'cross' },
  warn: { tone: 'amber', icon: 'warning' },
  ok: { tone: 'green', icon: 'check' },
}

/** Pages where a finding can be looked at. */
const PLACES: Readonly<Record<string, readonly [to: string, label: string] | undefined>> = {
  nodes: ['/operate/nodes', shell.nav.nodes],
  'set aside': ['/operate/set-aside', shell.nav.setAside],
  'API key': ['/operate/api-keys', shell.nav.apiKeys],
  development: ['/operate/settings', shell.nav.settings],
}

/** What `posthorn doctor` finds, checked by the running server: what is wrong first, and what to do about it. */
export function Page() {
  const query = useQuery(checksQuery)
  const isLate = useDelayed(query.isPending)
  return (
    <Frame title={words.title}>
      {query.data !== undefined && <Report checks={query.data} onAgain={() => query.refetch()} />}
      {query.data === undefined && isLate && <Loading />}
      {query.data === undefined && query.error !== null && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Frame>
  )
}

function Loading() {
  return (
    <div className={styles.report} role="status" aria-label={`${common.loading}: ${words.title}`}>
      <Skeleton width="40%" height={20} />
      {[0, 1, 2, 3, 4, 5].map(index => (
        <Skeleton key={index} width={`${90 - index * 8}%`} height={16} />
      ))}
    </div>
  )
}

type ReportProps = {
  readonly checks: Checks
  readonly onAgain: () => Promise<{ readonly data?: Checks | undefined; readonly error: unknown }>
}

function Report({ checks, onAgain }: ReportProps) {
  const [isBusy, setBusy] = useState(false)
  const of = (level: Level) => checks.data.filter(finding => finding.level === level)
  const wrong = [...of('fail'), ...of('warn')]
  const well = of('ok')
  const again = async () => {
    setBusy(true)
    const { data, error } = await onAgain()
    setBusy(false)
    if (error) toast(messageOf(error), { tone: 'error' })
    else if (data?.checkedAt === checks.checkedAt) toast(words.same)
  }
  return (
    <div className={styles.report}>
      <header className={styles.head}>
        <div>
          <p className={styles.says}>{lead(of('fail').length, of('warn').length)}</p>
          <p className={styles.made}>
            {words.made} <Time at={checks.checkedAt} /> {words.took(formatDuration(checks.durationMs))} {words.by}{' '}
            <Id id={checks.node} />
          </p>
        </div>
        <Button icon="retry" busy={isBusy} title={words.fresh} onClick={() => void again()}>
          {words.again}
        </Button>
      </header>
      {wrong.length > 0 && (
        <section>
          <h2>
            <Hidden>{words.needs}</Hidden>
          </h2>
          <Findings label={words.needs} findings={wrong} />
        </section>
      )}
      {well.length > 0 && (
        <section>
          <h2 className={styles.group}>{words.well(well.length)}</h2>
          <Findings label={words.well(well.length)} findings={well} />
        </section>
      )}
      <section className={styles.more}>
        <p className={styles.made}>{words.more}</p>
        <CodeBlock code={words.command} label={words.commandLabel} />
      </section>
    </div>
  )
}

function lead(failing: number, warning: number): string {
  if (failing > 0) return words.lead.fail(failing)
  return warning > 0 ? words.lead.warn(warning) : words.lead.ok
}

function Findings({ label, findings }: { readonly label: string; readonly findings: readonly Finding[] }) {
  return (
    <ul className={styles.findings} aria-label={label}>
      {findings.map(finding => (
        <FindingRow key={`${finding.part} ${finding.message}`} finding={finding} />
      ))}
    </ul>
  )
}

function FindingRow({ finding: { level, part, message, advice } }: { readonly finding: Finding }) {
  const { tone, icon } = LOOKS[level]
  const about = checkParts[part]
  const place = PLACES[part]
  const isWell = level === 'ok'
  return (
    <li className={cx(styles.finding, !isWell && styles.wrong)}>
      <span className={styles.state}>
        {isWell ? (
          <span className={styles.well}>
            <Icon name={icon} />
          </span>
        ) : (
          <Badge tone={tone} icon={icon}>
            {words.levels[level]}
          </Badge>
        )}
      </span>
      <div className={styles.what}>
        <h3 title={about?.why}>{about?.name ?? sentence(part, false)}</h3>
        <p className={isWell ? styles.made : undefined}>
          <bdi>{sentence(message)}</bdi>
        </p>
        {!isWell && about !== undefined && <p className={styles.made}>{about.why}</p>}
        {advice !== null && <Advice advice={advice} />}
        {!isWell && place !== undefined && (
          <Link to={place[0] as '/'} className={styles.place}>
            {place[1]}
          </Link>
        )}
      </div>
    </li>
  )
}

/** What to do: a command is shown so that it can be copied. */
function Advice({ advice }: { readonly advice: string }) {
  return (
    <div className={styles.advice}>
      <b>{words.do}</b>
      {/^(chmod|posthorn|npx) /.test(advice) ? (
        <CodeBlock code={advice} label={words.do} />
      ) : (
        <p>
          <bdi>{sentence(advice)}</bdi>
        </p>
      )}
    </div>
  )
}
