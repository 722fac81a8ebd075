/** What a notification keeps sealed: where it goes, and the tokens of the links in its messages. */
export type NotificationSecrets = {
  /** The mail address, or the URL of the chat's incoming webhook. */
  readonly address: string
  readonly confirm: string
  readonly unsubscribe: string
}

export const writeNotificationSecrets = (secrets: NotificationSecrets): string => JSON.stringify(secrets)
export const readNotificationSecrets = (text: string): NotificationSecrets => JSON.parse(text) as NotificationSecrets
