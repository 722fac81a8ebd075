import { useLocation } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef } from 'react'
import { Mark, useMarks } from '../../app/marks.tsx'
import { usePlaces } from '../../app/nav.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { Link } from '../../kit/link.tsx'
import { operate as words } from '../../strings/en/operate.ts'
import styles from './frame.module.css'

type Props = {
  readonly title: string
  /** Fills the window with a list, rather than scrolling as a whole. */
  readonly fill?: boolean
  readonly children: ReactNode
}

/** The frame of the pages of Operate. Where the navigation has no room for their names, they are in a row at the top. */
export function Frame({ title, fill = false, children }: Props) {
  const { pathname } = useLocation()
  const { operate } = usePlaces()
  const marks = useMarks(true)
  const row = useRef<HTMLElement>(null)
  const marked = Object.values(marks).filter(mark => mark !== undefined).length
  // The row scrolls sideways, and marks widen it: the current page must not be out of sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what changes the places in the row
  useEffect(() => {
    const link = row.current?.querySelector<HTMLElement>('[aria-current]')
    if (row.current && link) row.current.scrollLeft = link.offsetLeft - (row.current.clientWidth - link.clientWidth) / 2
  }, [pathname, marked])
  return (
    <div className={fill ? styles.fill : undefined}>
      <h1>
        <Hidden>{title}</Hidden>
      </h1>
      <nav className={styles.places} aria-label={words.places} ref={row}>
        {operate.map(({ to, label }) => (
          <Link
            key={to}
            to={to as '/'}
            className={styles.place}
            {...(pathname === to && { 'aria-current': 'page' as const })}
          >
            {label}
            <Mark mark={marks[to]} />
          </Link>
        ))}
      </nav>
      {fill ? children : <div className={styles.page}>{children}</div>}
    </div>
  )
}

/** What the page is about, in one or two sentences above its list. */
export function Lead({ children }: { readonly children: ReactNode }) {
  return <p className={styles.lead}>{children}</p>
}
