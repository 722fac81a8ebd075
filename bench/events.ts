/** The bench's events: a starter type whose schema checks formats, and payloads of 200 bytes that are all different. */
export const EVENT_TYPE = 'COVER_STATUS_CHANGED'

export function makePayload(serial: number): string {
  const id = serial.toString(16).padStart(12, '0')
  return (
    `{"coverId":"5db7873e-16a2-41e4-acf0-${id}","status":"Expired",` +
    `"notificationId":"382e7554-b150-4037-9b1a-${id}","notificationTimestamp":"2026-11-07T15:18:12.9392875Z","case":"2026/12-07"}`
  )
}

export function makeBatch(firstSerial: number, size: number): Buffer {
  const events: string[] = []
  for (let serial = firstSerial; serial < firstSerial + size; serial++) {
    events.push(`{"type":"${EVENT_TYPE}","payload":${makePayload(serial)}}`)
  }
  return Buffer.from(`[${events.join(',')}]`)
}
