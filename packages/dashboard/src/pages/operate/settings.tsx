import type { Setting } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useFilters } from '../../app/scope.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { SegmentedControl } from '../../kit/choices.tsx'
import { Copy, Id } from '../../kit/copy.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { EmptyState, ErrorState, Skeleton } from '../../kit/surfaces.tsx'
import { cx } from '../../lib/cx.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { inUnits, matchesText, valueText } from '../../lib/settings.ts'
import { operate } from '../../strings/en/operate.ts'
import { common } from '../../strings/index.ts'
import { Frame } from './frame.tsx'
import { settingsQuery } from './queries.ts'
import styles from './settings.module.css'

const words = operate.settings

const SOURCES = ['all', 'set', 'argument', 'flag', 'environment', 'file', 'default'] as const
type Source = (typeof SOURCES)[number]

const isOf = (source: Source) => (setting: Setting) =>
  source === 'all' || (source === 'set' ? setting.source !== 'default' : setting.source === source)

/** The settings in effect: what each is, where it comes from, and what it would be otherwise. */
export function Page() {
  const query = useQuery(settingsQuery)
  const isLate = useDelayed(query.isPending)
  const settings = query.data
  return (
    <Frame title={words.title}>
      {settings !== undefined && <List settings={settings.data} node={settings.node} />}
      {settings === undefined && isLate && (
        <div className={styles.stack} role="status" aria-label={`${common.loading}: ${words.title}`}>
          <Skeleton width="56%" height={20} />
          <Skeleton width="100%" height={32} />
          {[0, 1, 2, 3, 4].map(index => (
            <Skeleton key={index} width="100%" height={44} />
          ))}
        </div>
      )}
      {settings === undefined && query.error !== null && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Frame>
  )
}

function List({ settings, node }: { readonly settings: readonly Setting[]; readonly node: string }) {
  const [search, change] = useFilters()
  const q = search.q ?? ''
  const source = SOURCES.find(one => one === search.source) ?? 'all'
  const changed = settings.filter(isOf('set')).length
  const found = settings.filter(isOf(source)).filter(setting => matchesText(setting, q.trim()))
  const isFiltered = q !== '' || source !== 'all'
  const shown = SOURCES.filter(one => one === 'all' || one === source || settings.some(isOf(one)))
  return (
    <div className={styles.stack}>
      <header>
        <p className={styles.says}>{words.lead(changed, settings.length)}</p>
        <p className={styles.muted}>
          {words.others} <Id id={node} />
        </p>
      </header>
      <search className={styles.bar}>
        <div className={styles.search}>
          <SearchField label={words.search} value={q} onChange={text => change({ q: text }, true)} />
        </div>
        <SegmentedControl
          label={words.source}
          value={source}
          options={shown.map(value => ({ value, label: value === 'all' ? common.all : words.sources[value] }))}
          onChange={value => change({ source: value === 'all' ? undefined : value })}
        />
      </search>
      <p role="status" className={styles.muted} hidden={!isFiltered || found.length === 0}>
        {isFiltered && words.found(found.length, settings.length)}
      </p>
      {found.length === 0 ? (
        <EmptyState
          title={common.noMatch}
          actions={<Button onClick={() => change({ q: undefined, source: undefined })}>{common.clearFilters}</Button>}
        />
      ) : (
        <ul className={styles.list} aria-label={words.title}>
          {found.map(setting => (
            <Row key={setting.name} setting={setting} />
          ))}
        </ul>
      )}
    </div>
  )
}

function Row({ setting }: { readonly setting: Setting }) {
  const { name, description, rule, flag, variable, inFile, source } = setting
  return (
    <li>
      <details className={styles.details}>
        <summary className={styles.row}>
          <div className={styles.about}>
            <h2>{name}</h2>
            <p>{description}</p>
          </div>
          <div className={cx(styles.value, source !== 'default' && styles.set)}>
            <Value setting={setting} />
            <Origin setting={setting} />
          </div>
        </summary>
        <dl className={styles.more}>
          <dt>{words.mustBe}</dt>
          <dd>{rule}</dd>
          <dt>{words.howTo}</dt>
          <dd>
            {flag !== null && <Name name={flag} note={words.sources.flag} />}
            <Name name={variable} note={words.sources.environment} />
            {inFile && <Name name={name} note={words.sources.file} />}
          </dd>
        </dl>
      </details>
    </li>
  )
}

function Name({ name, note }: { readonly name: string; readonly note: string }) {
  return (
    <span className={styles.name}>
      <code>{name}</code>
      <Copy text={name} what={name} />
      <span className={styles.from}>{note}</span>
    </span>
  )
}

function Value({ setting: { name, value, secret, set } }: { readonly setting: Setting }) {
  if (secret) return set ? <Badge icon="key">{words.secret}</Badge> : <span className={styles.muted}>{words.none}</span>
  const text = valueText(value)
  if (text === null) return <span className={styles.muted}>{words.none}</span>
  if (text === '') return <span className={styles.muted}>{words.emptyList}</span>
  const units = inUnits(name, value)
  return (
    <span>
      <code className={styles.code}>
        <bdi>{text}</bdi>
      </code>
      {units !== null && <span className={styles.muted}> {units}</span>}
    </span>
  )
}

/** Where the value comes from, what it takes precedence over, and what it would be otherwise. */
function Origin({ setting }: { readonly setting: Setting }) {
  const { source, overridden, flag, variable, name, secret, default: byDefault } = setting
  const { from } = words
  if (source === 'default') return <span className={styles.from}>{from.default}</span>
  const text = {
    argument: from.argument(name),
    flag: from.flag(flag ?? name),
    environment: from.environment(variable),
    file: from.file(name),
  }[source]
  const standard = valueText(byDefault)
  return (
    <>
      <span className={styles.from}>
        {text}
        {overridden.length > 0 && `, ${words.overrides(overridden.map(one => words.over[one]).join(words.and))}`}
      </span>
      {!secret && standard !== null && standard !== '' && (
        <span className={styles.from}>
          {words.byDefault} <code>{standard}</code>
        </span>
      )}
    </>
  )
}
