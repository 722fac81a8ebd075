import type { Endpoint } from '@posthorn/client'
import { Icon } from '../../../kit/icon.tsx'
import styles from '../one.module.css'
import { Said } from './said.tsx'

type Props = {
  readonly endpoint: Endpoint
  /** JSON Pointers of the members concerned, with all below them. */
  readonly fields?: readonly string[]
  /** Codes of warnings that have no member. */
  readonly codes?: readonly string[]
}

/** The server's warnings about a part of the endpoint, next to that part. */
export function Advice({ endpoint, fields = [], codes = [] }: Props) {
  const shown = endpoint.warnings.filter(
    ({ code, field }) =>
      codes.includes(code) || fields.some(one => field === one || field?.startsWith(`${one}/`) === true),
  )
  return shown.map(({ code, detail, field }) => (
    <p key={`${code}${field ?? ''}${detail}`} className={styles.advice}>
      <Icon name="warning" size={14} />
      <span>
        <Said>{detail}</Said>
      </span>
    </p>
  ))
}
