import { Outlet, useLocation, useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Brand, brandName } from '../../app/brand.tsx'
import { Link } from '../../kit/link.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { LOOKS } from '../../lib/portal.ts'
import { publicTypes as words } from '../../strings/en/public-types.ts'
import styles from './types.module.css'

/** The frame around the public pages. The server responds with 404 where the operator doesn't want them. */
export function Frame() {
  const { pathname } = useLocation()
  const { name } = useParams({ strict: false }) as { readonly name?: string }
  useEffect(() => {
    document.title = [name, words.title, brandName()].filter(part => part !== undefined).join(' · ')
  }, [name])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each page
  useEffect(() => {
    // What had the focus is gone with the page before: the keyboard then goes on in the new one.
    if (document.activeElement === document.body) document.getElementById('content')?.focus({ preventScroll: true })
  }, [pathname])
  return (
    <div className={styles.frame}>
      <header className={styles.bar}>
        {LOOKS.publicTypes ? (
          <Link to={'/types' as '/'} className={styles.brand}>
            <Brand nameClass={styles.brandName} />
          </Link>
        ) : (
          <span className={styles.brand}>
            <Brand nameClass={styles.brandName} />
          </span>
        )}
        {LOOKS.help.length > 0 && (
          <nav className={styles.help} aria-label={words.help}>
            {LOOKS.help.map(({ label, url }) => (
              <a key={url} href={url} rel="noreferrer">
                {label}
              </a>
            ))}
          </nav>
        )}
      </header>
      <main className={styles.main} id="content" tabIndex={-1}>
        {LOOKS.publicTypes ? <Outlet /> : <Closed />}
      </main>
    </div>
  )
}

/** For addresses without a page, and where there are no such pages. */
export function Closed() {
  return (
    <>
      <h1 className={styles.closed}>{words.closed}</h1>
      <p className={styles.muted}>{words.closedText}</p>
    </>
  )
}

/** A name that no type in use has. */
export function Missing({ name }: { readonly name: string }) {
  return (
    <>
      <h1 className={styles.closed}>
        <bdi>{name}</bdi>
      </h1>
      <EmptyState title={words.missing} actions={<Link to={'/types' as '/'}>{words.all}</Link>}>
        {words.missingText}
      </EmptyState>
    </>
  )
}
