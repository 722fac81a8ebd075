import { useQuery } from '@tanstack/react-query'
import { usePermissions } from '../../app/session.ts'
import { CopyButton, Id } from '../../kit/copy.tsx'
import { register as words } from '../../strings/en/register.ts'
import { egressQuery } from './queries.ts'
import styles from './register.module.css'
import { Section } from './section.tsx'

/** The addresses that the receiver's firewall has to let in. */
export function Egress() {
  const { isOperator } = usePermissions()
  const { data } = useQuery(egressQuery())
  const { egress } = words
  const addresses = data?.addresses ?? []
  return (
    <Section title={egress.title} text={egress.text}>
      {data !== undefined && addresses.length === 0 && (
        <p className={styles.muted}>{isOperator ? egress.noneOperator : egress.none}</p>
      )}
      {addresses.length > 0 && (
        <>
          <ul className={styles.addresses}>
            {addresses.map(address => (
              <li key={address}>
                <Id id={address} whole />
              </li>
            ))}
          </ul>
          {addresses.length > 1 && (
            <div>
              <CopyButton small text={addresses.join('\n')}>
                {egress.copyAll(addresses.length)}
              </CopyButton>
            </div>
          )}
        </>
      )}
    </Section>
  )
}
