import { createLink, Link as RouterLink } from '@tanstack/react-router'
import type { AnchorHTMLAttributes, ReactNode, Ref } from 'react'
import { cx } from '../lib/cx.ts'
import { isLeftOut } from '../lib/portal.ts'
import { type ButtonKind, buttonClass } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'

type Text = { readonly to?: unknown; readonly className?: string; readonly children?: ReactNode }

/** Whether a link would lead to a page that the portal doesn't have. The first page leads to another then. */
const leadsNowhere = ({ to }: Text): boolean => typeof to === 'string' && to !== '/' && isLeftOut(to)

/** A link to another page, with the router's typed `to`, `params` and `search`. Its text only, if there is no such page. */
export const Link = ((props: Text) =>
  leadsNowhere(props) ? (
    <span className={props.className}>{props.children}</span>
  ) : (
    <RouterLink {...(props as { readonly to: string })} />
  )) as typeof RouterLink

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & {
  readonly ref?: Ref<HTMLAnchorElement>
  readonly kind?: ButtonKind
  readonly small?: boolean
  readonly icon?: IconName
}

const RouterButton = createLink(({ kind, small, icon, className, children, ...rest }: Props) => (
  <a className={cx(buttonClass({ kind, small }), className)} {...rest}>
    {icon !== undefined && <Icon name={icon} />}
    {children}
  </a>
))

/** A link that looks like a button. Nothing, if there is no such page. */
export const ButtonLink = ((props: Text) =>
  leadsNowhere(props) ? null : <RouterButton {...(props as { readonly to: string })} />) as typeof RouterButton
