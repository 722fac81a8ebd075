import type { ReactNode } from 'react'
import { cx } from '../lib/cx.ts'
import { messageOf } from '../lib/errors.ts'
import { IS_PORTAL } from '../lib/portal.ts'
import { common } from '../strings/index.ts'
import { Button, IconButton } from './button.tsx'
import { CodeBlock } from './code.tsx'
import { Icon, type IconName } from './icon.tsx'
import styles from './surfaces.module.css'

/** The body of a page that isn't a list filling the window. */
export function Page({ children }: { readonly children: ReactNode }) {
  return <div className={styles.page}>{children}</div>
}

type HeaderProps = { readonly title: ReactNode; readonly note?: ReactNode; readonly actions?: ReactNode }

/** The title of a page, a line below it, and its actions. */
export function PageHeader({ title, note, actions }: HeaderProps) {
  return (
    <header className={styles.head}>
      <div className={styles.headText}>
        <h1>
          <bdi>{title}</bdi>
        </h1>
        {note !== undefined && <div className={styles.headNote}>{note}</div>}
      </div>
      {actions !== undefined && <div className={styles.actions}>{actions}</div>}
    </header>
  )
}

type CardProps = {
  readonly title?: ReactNode
  readonly actions?: ReactNode
  /** Without space around what is in it, for tables. */
  readonly flush?: boolean
  readonly children: ReactNode
}

/** A part of a page with a hairline around it. */
export function Card({ title, actions, flush = false, children }: CardProps) {
  return (
    <section className={styles.card}>
      {title !== undefined && (
        <div className={styles.cardHead}>
          <h2>{title}</h2>
          {actions !== undefined && <div className={styles.actions}>{actions}</div>}
        </div>
      )}
      <div className={flush ? styles.flush : styles.cardBody}>{children}</div>
    </section>
  )
}

export type BannerTone = 'info' | 'warning' | 'error' | 'success'

const BANNER_ICONS: Readonly<Record<BannerTone, IconName>> = {
  info: 'info',
  warning: 'warning',
  error: 'cross',
  success: 'check',
}

type BannerProps = {
  readonly tone?: BannerTone
  readonly action?: ReactNode
  readonly onDismiss?: () => void
  readonly children: ReactNode
}

/** A sentence that has to be seen. */
export function Banner({ tone = 'info', action, onDismiss, children }: BannerProps) {
  return (
    <div className={cx(styles.banner, styles[tone])} role={tone === 'error' ? 'alert' : 'status'}>
      <Icon name={BANNER_ICONS[tone]} />
      <div className={styles.bannerText}>{children}</div>
      {action}
      {onDismiss !== undefined && <IconButton icon="cross" label={common.dismiss} small onClick={onDismiss} />}
    </div>
  )
}

type EmptyProps = {
  readonly title: string
  readonly children?: ReactNode
  readonly actions?: ReactNode
  /** The call of the API that makes the first one. Users of the portal have no key for it, and don't see it. */
  readonly curl?: string
  /** What the code is, if it isn't a call. */
  readonly codeLabel?: string
  /** Whether its title is that of the page. */
  readonly isTitle?: boolean
}

/** Nothing there yet: what will stand here, and how to make the first one. */
export function EmptyState({ title, children, actions, curl, codeLabel = 'curl', isTitle = false }: EmptyProps) {
  const Title = isTitle ? 'h1' : 'h2'
  return (
    <div className={styles.empty}>
      <Title>{title}</Title>
      {children !== undefined && <p>{children}</p>}
      {actions !== undefined && <div className={styles.actions}>{actions}</div>}
      {curl !== undefined && !IS_PORTAL && <CodeBlock code={curl} label={codeLabel} />}
    </div>
  )
}

/** What could not be loaded, why, and a button that tries again. */
export function ErrorState({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  return (
    <div className={styles.empty} role="alert">
      <h2>{common.errorTitle}</h2>
      <p>{messageOf(error)}</p>
      {onRetry !== undefined && (
        <Button icon="retry" onClick={onRetry}>
          {common.tryAgain}
        </Button>
      )}
    </div>
  )
}

type StatProps = {
  readonly label: string
  readonly value: ReactNode
  readonly note?: ReactNode
  readonly trend?: ReactNode
  readonly tone?: 'bad' | 'warn'
  /** Wraps the figure in a link to the list behind it: `children => <Link …>{children}</Link>` with `statClass`. */
  readonly link?: (className: string, children: ReactNode) => ReactNode
}

/** One figure, what it is, and how it has changed. */
export function Stat({ label, value, note, trend, tone, link }: StatProps) {
  const className = cx(styles.stat, tone !== undefined && styles[tone])
  const content = (
    <>
      <span className={styles.statLabel}>{label}</span>
      <span className={styles.statFigure}>
        <strong>{value}</strong>
        {trend}
      </span>
      <span className={styles.statNote}>{note}</span>
    </>
  )
  return link === undefined ? <div className={className}>{content}</div> : link(className, content)
}

export type Fact = readonly [name: string, value: ReactNode] | null | false

/** Names and values under each other. */
export function KeyValue({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className={styles.kv}>
      {facts
        .filter(fact => fact !== null && fact !== false)
        .map(([name, value]) => (
          <Pair key={name} name={name} value={value} />
        ))}
    </dl>
  )
}

function Pair({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value ?? common.none}</dd>
    </>
  )
}

/** A grey bar where something will be. */
export function Skeleton({ width, height = 12 }: { readonly width: number | string; readonly height?: number }) {
  return <span className={styles.skeleton} style={{ width, height }} />
}
