import type { ComponentProps, ReactNode } from 'react'
import { cx } from '../lib/cx.ts'
import styles from './button.module.css'
import { Icon, type IconName } from './icon.tsx'
import { Tooltip } from './tooltip.tsx'

export type ButtonKind = 'primary' | 'secondary' | 'quiet' | 'danger'

type Look = { readonly kind?: ButtonKind; readonly small?: boolean }

export type ButtonProps = Omit<ComponentProps<'button'>, 'children'> &
  Look & { readonly icon?: IconName; readonly children?: ReactNode; readonly busy?: boolean }

/** The class names of a button, for links that look like one. */
export function buttonClass({ kind = 'secondary', small = false }: Look = {}): string {
  return cx(styles.button, kind !== 'secondary' && styles[kind], small && styles.small)
}

/**
 * A button. `busy` keeps it from being pressed twice; its words stay, and so does the focus, which one that is `disabled`
 * would lose.
 */
export function Button({ kind, small, icon, busy = false, className, children, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      // Pressed by Enter in a field of its form, too.
      onClick={busy ? event => event.preventDefault() : onClick}
      className={cx(buttonClass({ kind, small }), className)}
      {...rest}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  )
}

type IconButtonProps = Omit<ComponentProps<'button'>, 'children'> &
  Look & { readonly icon: IconName; readonly label: string; readonly hint?: ReactNode }

/** A button with an icon only. `label` is read out, and shown on hover and focus. */
export function IconButton({ icon, label, hint, kind = 'quiet', small, className, ...rest }: IconButtonProps) {
  return (
    <Tooltip text={hint ?? label}>
      <button
        type="button"
        aria-label={label}
        className={cx(buttonClass({ kind, small }), styles.icon, className)}
        {...rest}
      >
        <Icon name={icon} />
      </button>
    </Tooltip>
  )
}

/** A button that reads like a link, in the middle of a text. */
export function LinkButton({ className, ...rest }: ComponentProps<'button'>) {
  return <button type="button" className={cx(styles.link, className)} {...rest} />
}
