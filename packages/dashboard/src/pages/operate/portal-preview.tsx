import type { PortalLooks } from '@posthorn/client'
import { type CSSProperties, useState } from 'react'
import { isWide } from '../../app/brand.tsx'
import { buttonClass } from '../../kit/button.tsx'
import { isColour } from '../../lib/contrast.ts'
import { cx } from '../../lib/cx.ts'
import { portalLooks as words } from '../../strings/en/portal-looks.ts'
import { shell } from '../../strings/index.ts'
import styles from './portal.module.css'
import type { Draft } from './portal.tsx'

type Props = { readonly draft: Draft; readonly logo: PortalLooks['logo'] }

/** The portal in small, as it would look in both themes. */
export function Preview(props: Props) {
  return (
    <section className={styles.preview} aria-label={words.preview}>
      <h2>{words.preview}</h2>
      <Portal {...props} scheme="light" />
      <Portal {...props} scheme="dark" />
    </section>
  )
}

function Portal({ draft, logo, scheme }: Props & { readonly scheme: 'light' | 'dark' }) {
  const pages = Object.entries(words.pageNames).filter(([page]) => !draft.hiddenPages.some(one => one === page))
  const links = draft.help.filter(({ label }) => label.trim() !== '')
  return (
    <figure className={styles.portal}>
      <figcaption>{scheme === 'light' ? words.previewLight : words.previewDark}</figcaption>
      <div className={styles.frame} style={styleOf(draft, scheme)}>
        <div className={styles.nav}>
          <Brand key={logo?.url} url={logo?.url} name={draft.name.trim()} />
          {pages.map(([page, label], index) => (
            <span key={page} className={cx(styles.place, index === 0 && styles.current)}>
              {label}
            </span>
          ))}
          {links.map(({ label }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the links have nothing but their place
            <span key={index} className={styles.place}>
              <bdi>{label}</bdi>
            </span>
          ))}
        </div>
        <div className={styles.body}>
          <span className={styles.card}>
            <span className={styles.sample}>{words.sample}</span>
            <span className={styles.selected}>{words.selected}</span>
            <span className={buttonClass({ kind: 'primary' })}>{words.button}</span>
          </span>
        </div>
      </div>
    </figure>
  )
}

function Brand({ url, name }: { readonly url: string | undefined; readonly name: string }) {
  const [isUnseen, setUnseen] = useState(false)
  const [hasName, setHasName] = useState(false)
  return (
    <span className={styles.brand}>
      {url !== undefined && !isUnseen && (
        <img
          src={url}
          alt=""
          onLoad={({ currentTarget }) => setHasName(isWide(currentTarget))}
          onError={() => setUnseen(true)}
        />
      )}
      {!hasName && <bdi>{name || shell.portal.title}</bdi>}
    </span>
  )
}

/** The same properties as `early.js` sets in the portal. What can't be used is left as it is. */
function styleOf({ accent, accentDark, radius }: Draft, scheme: 'light' | 'dark'): CSSProperties {
  const used = scheme === 'dark' && isColour(accentDark.trim()) ? accentDark.trim() : accent.trim()
  const [end, ground] = scheme === 'light' ? ['#000 15%', '#fff'] : ['#fff 25%', '#14171c']
  const pixels = Number(radius)
  return {
    colorScheme: scheme,
    ...(isColour(used) && {
      '--accent': used,
      '--accent-hover': `color-mix(in srgb, ${used}, ${end})`,
      '--accent-soft': `color-mix(in srgb, ${used} 6%, ${ground})`,
      '--on-accent': scheme === 'light' ? '#ffffff' : '#000000',
    }),
    ...(Number.isInteger(pixels) && pixels >= 0 && pixels <= 24 && { '--radius': `${pixels}px` }),
  } as CSSProperties
}
