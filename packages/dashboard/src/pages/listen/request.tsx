import type { ListenedRequest } from '@posthorn/client'
import { useState } from 'react'
import { Badge } from '../../kit/badge.tsx'
import { IconButton } from '../../kit/button.tsx'
import { Icon } from '../../kit/icon.tsx'
import { JsonView } from '../../kit/json-view.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { Time } from '../../kit/time.tsx'
import { listen as words } from '../../strings/en/listen.ts'
import styles from './listener.module.css'
import type { Answer } from './listening.ts'

const TONES = { waiting: 'blue', answered: 'green', late: 'grey', failed: 'red' } as const
const ICONS = { waiting: 'clock', answered: 'check', late: 'minus', failed: 'cross' } as const

/** What stands in place of a value that is hidden: as long for every value. */
const DOTS = '••••••••'

type Props = {
  readonly request: ListenedRequest
  readonly answer: Answer
  /** Names of headers whose values are hidden until one asks to see them, in lower case. */
  readonly secret: readonly string[]
  /** Whether it is unfolded until one chooses. */
  readonly isShown: boolean
}

/** One request, as a receiver would have got it. */
export function HeardRequest({ request, answer, secret, isShown }: Props) {
  const { tenant, delivery, method, type, test, startedAt, headers, body } = request
  const [chosen, setChosen] = useState<boolean | null>(null)
  const isUnfolded = chosen ?? isShown
  return (
    <li className={styles.request}>
      <div className={styles.line}>
        <button type="button" className={styles.fold} aria-expanded={isUnfolded} onClick={() => setChosen(!isUnfolded)}>
          <Icon name={isUnfolded ? 'down' : 'right'} size={14} />
          <span className={styles.method}>{method}</span>
          <bdi className={styles.type}>{type}</bdi>
        </button>
        {test && <Badge>{words.isTest}</Badge>}
        <Badge tone={TONES[answer]} icon={ICONS[answer]}>
          {words.answers[answer]}
        </Badge>
        <span className={styles.time}>
          <Time at={startedAt} as="clock" focusable={false} />
        </span>
      </div>
      {isUnfolded && (
        <div className={styles.whole}>
          <p className={styles.label}>{words.headers}</p>
          <dl className={styles.headers}>
            {headers.map(([name, value], index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a header can be there twice
              <Header key={index} name={name} value={value} isSecret={secret.includes(name.toLowerCase())} />
            ))}
          </dl>
          <p className={styles.label}>{words.body}</p>
          <JsonView text={body} label={words.body} />
          <div>
            <ButtonLink small to="/deliveries/$tenant/$id" params={{ tenant, id: delivery }}>
              {words.delivery}
            </ButtonLink>
          </div>
        </div>
      )}
    </li>
  )
}

type HeaderProps = { readonly name: string; readonly value: string; readonly isSecret: boolean }

function Header({ name, value, isSecret }: HeaderProps) {
  const [isShown, setShown] = useState(false)
  // The scheme is no secret: it says what has to be checked.
  const scheme = /^Bearer /.exec(value)?.[0] ?? ''
  return (
    <div>
      <dt>{name}</dt>
      <dd dir="ltr">
        <span>{isSecret && !isShown ? `${scheme}${DOTS}` : value}</span>
        {isSecret && (
          <IconButton
            small
            icon={isShown ? 'eyeOff' : 'eye'}
            label={(isShown ? words.hide : words.show)(name)}
            onClick={() => setShown(!isShown)}
          />
        )}
      </dd>
    </div>
  )
}
