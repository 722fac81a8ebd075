import { createLink } from '@tanstack/react-router'
import type { AnchorHTMLAttributes, Ref } from 'react'
import { cx } from '../lib/cx.ts'
import { type ButtonKind, buttonClass } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'

/** A link to another page, with the router's typed `to`, `params` and `search`. */
export { Link } from '@tanstack/react-router'

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & {
  readonly ref?: Ref<HTMLAnchorElement>
  readonly kind?: ButtonKind
  readonly small?: boolean
  readonly icon?: IconName
}

/** A link that looks like a button. */
export const ButtonLink = createLink(({ kind, small, icon, className, children, ...rest }: Props) => (
  <a className={cx(buttonClass({ kind, small }), className)} {...rest}>
    {icon !== undefined && <Icon name={icon} />}
    {children}
  </a>
))
