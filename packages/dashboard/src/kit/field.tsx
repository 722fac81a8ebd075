import { type ComponentProps, type ReactNode, useId } from 'react'
import { cx } from '../lib/cx.ts'
import styles from './field.module.css'
import { Icon } from './icon.tsx'

type FieldProps = {
  readonly label: string
  readonly help?: ReactNode
  /** What is wrong with the value, and what to do. Read out when it appears. */
  readonly error?: string | null
  readonly hideLabel?: boolean
}

type Wiring = { readonly id: string; readonly 'aria-describedby'?: string; readonly 'aria-invalid'?: true }

/** A label, a control, its help and its error. `children` gets the attributes that tie them together. */
export function Field({
  label,
  help,
  error,
  hideLabel = false,
  children,
}: FieldProps & { readonly children: (wiring: Wiring) => ReactNode }) {
  const id = useId()
  const describedBy = cx(help !== undefined && `${id}-help`, error && `${id}-error`)
  return (
    <div className={styles.field}>
      {!hideLabel && (
        <label className={styles.label} htmlFor={id}>
          {label}
        </label>
      )}
      {children({
        id,
        ...(hideLabel && { 'aria-label': label }),
        ...(describedBy !== '' && { 'aria-describedby': describedBy }),
        ...(error && { 'aria-invalid': true as const }),
      })}
      {help !== undefined && (
        <div id={`${id}-help`} className={styles.help}>
          {help}
        </div>
      )}
      <div role="alert">
        {error && (
          <div id={`${id}-error`} className={styles.error}>
            <Icon name="warning" size={14} />
            {error}
          </div>
        )}
      </div>
    </div>
  )
}

/** A field for a text, with the attributes of its element. */
type TextProps<Name extends 'input' | 'textarea'> = FieldProps &
  Omit<ComponentProps<Name>, 'onChange' | 'value'> & {
    readonly value: string
    readonly onChange: (value: string) => void
    readonly mono?: boolean
  }

/** One line. */
export function TextField({ onChange, ...props }: TextProps<'input'>) {
  const { field, attributes } = split(props)
  return (
    <Field {...field}>
      {wiring => (
        <input
          type="text"
          autoComplete="off"
          {...attributes}
          onChange={event => onChange(event.target.value)}
          {...wiring}
        />
      )}
    </Field>
  )
}

/** Several lines. */
export function TextArea({ onChange, ...props }: TextProps<'textarea'>) {
  const { field, attributes } = split(props)
  return (
    <Field {...field}>
      {wiring => <textarea {...attributes} onChange={event => onChange(event.target.value)} {...wiring} />}
    </Field>
  )
}

/** What belongs to the field around a text, and what to the text itself. */
function split<Rest extends { readonly className?: string }>(props: FieldProps & Rest & { readonly mono?: boolean }) {
  const { label, help, error, hideLabel, mono, className, ...rest } = props
  return {
    field: { label, help, error, hideLabel },
    attributes: { spellCheck: false, className: cx(styles.input, mono && styles.mono, className), ...rest },
  }
}
