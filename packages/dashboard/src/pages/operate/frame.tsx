import { useLocation } from '@tanstack/react-router'
import type { ReactNode } from 'react'
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
  return (
    <div className={fill ? styles.fill : undefined}>
      <h1>
        <Hidden>{title}</Hidden>
      </h1>
      <nav className={styles.places} aria-label={words.places}>
        {operate.map(({ to, label }) => (
          <Link
            key={to}
            to={to as '/'}
            className={styles.place}
            {...(pathname === to && { 'aria-current': 'page' as const, ref: scrollIntoRow })}
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

/** The row scrolls sideways: the current page must not be out of sight. */
function scrollIntoRow(link: HTMLElement | null): void {
  const row = link?.parentElement
  if (link && row) row.scrollLeft = link.offsetLeft - (row.clientWidth - link.clientWidth) / 2
}

/** What the page is about, in one or two sentences above its list. */
export function Lead({ children }: { readonly children: ReactNode }) {
  return <p className={styles.lead}>{children}</p>
}
