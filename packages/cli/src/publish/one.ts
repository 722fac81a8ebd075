import { JsonText, type Posthorn, type PublishEventsBody, type PublishedEvent } from '@posthorn/client'

export type RawEvent = {
  readonly type: string
  /** JSON, which is sent byte for byte. */
  readonly payload: string
  readonly key: string | null
}

export function publishRaw(
  posthorn: Posthorn,
  tenant: string,
  { type, payload, key }: RawEvent,
): Promise<PublishedEvent> {
  const keyed = key === null ? '' : `"key":${JSON.stringify(key)},`
  const body = new JsonText(`{"type":${JSON.stringify(type)},${keyed}"payload":${payload}}`)
  return posthorn.events.publish(tenant, body as unknown as PublishEventsBody)
}
