import { useState } from 'react'
import favicon from '../icons/favicon.svg'
import { Hidden } from '../kit/kbd.tsx'
import { IS_PORTAL, LOOKS } from '../lib/portal.ts'
import { common, shell } from '../strings/index.ts'
import styles from './brand.module.css'

/** What the pages are called: the provider's product in its portal. */
export const brandName = (): string => (IS_PORTAL ? (LOOKS.name ?? shell.portal.title) : common.product)

/** A logo that is twice as wide as high has the name in it. */
export const isWide = ({ naturalWidth, naturalHeight }: HTMLImageElement): boolean => naturalWidth >= 2 * naturalHeight

type Props = {
  /** On a page of its own, rather than in a row. */
  readonly isLarge?: boolean
  /** For the name. Without one, it is left out. */
  readonly nameClass?: string
}

/** The logo and the name: of the provider in its portal, as far as they are known, or else Posthorn's. */
export function Brand({ isLarge = false, nameClass }: Props) {
  const [hasName, setHasName] = useState(false)
  const { logo, name } = LOOKS
  const size = isLarge ? styles.large : styles.small
  return (
    <>
      {logo === null && name !== null ? (
        <span className={`${styles.letter} ${size}`} aria-hidden="true">
          {[...name][0]}
        </span>
      ) : (
        <img
          src={logo ?? favicon}
          alt=""
          className={size}
          onLoad={({ currentTarget }) => setHasName(isWide(currentTarget))}
        />
      )}
      {nameClass !== undefined &&
        (hasName ? <Hidden>{brandName()}</Hidden> : <span className={nameClass}>{brandName()}</span>)}
    </>
  )
}
