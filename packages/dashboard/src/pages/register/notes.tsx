import type { Warning } from '@posthorn/client'
import { Icon } from '../../kit/icon.tsx'
import { register as words } from '../../strings/en/register.ts'
import styles from './register.module.css'

/** Warnings that the fields say themselves, without the server (see `kit/secret-field.tsx`). */
const SAID_BY_FIELDS = /^(secret_for_several_types|secret_short|token_)/

/** The warnings that only the server can give. */
export function unsaidOf(warnings: readonly Warning[]): readonly Warning[] {
  return warnings.filter(({ code }) => !SAID_BY_FIELDS.test(code))
}

type Props = { readonly warnings: readonly Warning[]; readonly about?: readonly string[] }

/** What the server advises about some members of the endpoint, or about all. */
export function Advice({ warnings, about }: Props) {
  const shown = unsaidOf(warnings).filter(warning => about === undefined || about.includes(memberOf(warning)))
  if (shown.length === 0) return null
  return (
    <ul className={styles.advice}>
      {shown.map(({ code, detail, field }) => (
        <li key={`${code}${field}`}>
          <Icon name="warning" size={14} />
          <span>{code === 'secret_shared_between_endpoints' ? words.proof.shared : detail}</span>
        </li>
      ))}
    </ul>
  )
}

/** Warnings about the secret have no pointer. */
function memberOf({ code, field }: Warning): string {
  if (field !== undefined) return field.split('/')[1] ?? ''
  return code.startsWith('secret_') ? 'clientSecret' : 'types'
}
