import type { Checks, Node, Nodes } from '@posthorn/client'
import { Badge } from '../../kit/badge.tsx'
import { Icon } from '../../kit/icon.tsx'
import { Link } from '../../kit/link.tsx'
import { cx } from '../../lib/cx.ts'
import { formatCompact, formatDuration, formatNumber } from '../../lib/format.ts'
import type { Tone } from '../../lib/states.ts'
import { overview } from '../../strings/en/overview.ts'
import { common } from '../../strings/index.ts'
import styles from './overview.module.css'
import { Section } from './section.tsx'

const words = overview.nodes

const STATES: Readonly<Record<Node['state'], { readonly tone: Tone; readonly icon: 'check' | 'clock' | 'cross' }>> = {
  running: { tone: 'green', icon: 'check' },
  draining: { tone: 'amber', icon: 'clock' },
  lost: { tone: 'red', icon: 'cross' },
}

/** The nodes and what each of them has to do. */
export function NodesList({ nodes }: { readonly nodes: Nodes | undefined }) {
  return (
    <Section title={words.title} end={<Link to="/operate/nodes">{overview.attention.actions.nodes}</Link>}>
      <table className={styles.list}>
        <thead>
          <tr>
            <th scope="col">{words.node}</th>
            <th scope="col">{words.partitions}</th>
            <th scope="col">{words.inFlight}</th>
            <th scope="col">{words.backlog}</th>
            <th scope="col">{words.lag}</th>
          </tr>
        </thead>
        <tbody>
          {(nodes?.data ?? [PLACEHOLDER]).map(node => (
            <tr key={node?.id ?? ''}>
              <th scope="row">
                {node !== null && (
                  <span className={styles.node}>
                    <Badge {...STATES[node.state]}>{words.states[node.state]}</Badge>
                    <bdi title={node.id}>{node.host === null ? node.id : `${node.host} ${node.pid ?? ''}`}</bdi>
                  </span>
                )}
              </th>
              <td>{node && formatNumber(node.partitions.length)}</td>
              <td>{node?.load == null ? node && common.none : formatNumber(node.load.inFlight)}</td>
              <td>{node?.backlog == null ? node && common.none : formatCompact(node.backlog.due)}</td>
              <td>{node?.backlog == null ? node && common.none : formatDuration(node.backlog.lagMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  )
}

/** Keeps the height of one row until the nodes are there. */
const PLACEHOLDER = null

/** What the server has to say of itself. Failures are among what needs attention as well. */
export function ServerSays({ checks }: { readonly checks: Checks | undefined }) {
  const said = overview.checks
  const found = checks?.data.filter(({ level }) => level !== 'ok') ?? []
  return (
    <Section title={said.title} end={<Link to="/operate/checks">{said.all}</Link>}>
      <ul className={styles.matters}>
        {found.map(({ level, part, message, advice }) => (
          <li key={`${part} ${message}`} className={cx(styles.matter, level === 'fail' ? styles.bad : styles.warn)}>
            <Icon name={level === 'fail' ? 'cross' : 'warning'} />
            <p className={styles.sentence}>
              <b>{part}</b>: {message}
              {advice !== null && <span className={styles.advice}>{advice}</span>}
            </p>
          </li>
        ))}
        {found.length === 0 && (
          <li className={cx(styles.matter, checks !== undefined && styles.good)}>
            {checks !== undefined && <Icon name="check" />}
            <p className={styles.sentence}>{checks === undefined ? said.checking : said.fine(checks.data.length)}</p>
          </li>
        )}
      </ul>
    </Section>
  )
}
